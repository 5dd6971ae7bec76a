"""Voice (D): calls are told by the system that switches them, and count in seconds (D-1)."""

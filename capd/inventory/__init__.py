"""Who is served, with what, over which devices: read from files and written to them."""

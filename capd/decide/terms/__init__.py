"""What a policy may set, a file a subject; the defaults are the wireless operator's terms."""

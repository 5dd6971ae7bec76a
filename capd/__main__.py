"""`python -m capd` is `capd`."""

from capd.cli import main

main()

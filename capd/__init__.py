"""capd meters every subscriber of a wireless ISP, and keeps each on the service they are owed."""

__version__ = "0.1.0"

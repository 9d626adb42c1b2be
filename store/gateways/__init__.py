"""The only importers of the outside world."""

"""Home, legal and help pages."""

"""From a master to a packaged film, offline."""

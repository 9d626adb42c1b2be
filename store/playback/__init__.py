"""Playing what one is entitled to: leases, tokens, position."""

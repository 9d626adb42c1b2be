"""Letters: written twice with the same words, handed over, and what comes back of them."""

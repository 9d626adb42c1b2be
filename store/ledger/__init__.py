"""Double-entry books of stored value: knows nothing of films, Stripe or HTTP. `post.py` alone writes them."""

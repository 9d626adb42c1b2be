"""A look-alike of Stripe for a machine without keys: a process of its own that the unmodified `stripe` SDK talks to.

It imports nothing of the shop. `docs/sandbox.md` says what it does and what it does not do.
"""

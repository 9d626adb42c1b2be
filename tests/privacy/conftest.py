"""Leaving pays money back: these tests' shop talks to the checkout's sandbox."""

from tests.checkout.conftest import app, sandbox, shop

__all__ = ["app", "sandbox", "shop"]

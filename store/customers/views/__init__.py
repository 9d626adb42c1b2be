"""The customers' pages: coming in and back, my account, my credit, what protects the account."""

from store.customers.views import account, browsers, confirm, credit, enter, forgotten, passkeys, security
from store.customers.views.blueprint import blueprint

__all__ = ["account", "blueprint", "browsers", "confirm", "credit", "enter", "forgotten", "passkeys", "security"]

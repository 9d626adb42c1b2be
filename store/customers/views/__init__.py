"""The customers' pages: coming in and out, my account, my credit, what protects the account."""

from store.customers.views import account, credit, enter, security
from store.customers.views.blueprint import blueprint

__all__ = ["account", "blueprint", "credit", "enter", "security"]

"""The checkout's pages: buying cards, or what is missing for a film; to Stripe's page and back; my receipts."""

from store.checkout.views import cards, gap, payment, receipts
from store.checkout.views.blueprint import blueprint

__all__ = ["blueprint", "cards", "gap", "payment", "receipts"]

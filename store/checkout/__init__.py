"""Buying prepaid cards with Stripe: start, settle, reconcile, receipts."""

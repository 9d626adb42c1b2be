"""Denominations, and the cards that are sold."""

"""Renting and buying with credit, and the entitlements that follow."""

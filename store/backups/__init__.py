"""Backups: all that the shop knows and shows in one file, and the way back."""

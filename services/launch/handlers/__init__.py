"""Load, decide, save, announce, in one transaction: one portfolio in session.py, each door in deciding.py."""

"""Load, decide, save, announce, in one transaction: one portfolio in sitting.py, each door in deciding.py."""

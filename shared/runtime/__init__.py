"""Plumbing that every service stands on. No business word, no service is known here."""

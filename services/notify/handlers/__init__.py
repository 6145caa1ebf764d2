"""Load, decide, save, announce; each in one transaction. Decisions themselves are in domain/."""

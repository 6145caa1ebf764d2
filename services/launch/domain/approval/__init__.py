"""What a person decides about plans: approve and reject a proposal (approving.py), take a plan back (undoing.py)."""

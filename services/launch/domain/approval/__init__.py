"""What a person decides about plans, and what they may ask of them first.

Approve and reject a proposal (approving.py), take a plan back (undoing.py); a better plan for one that waits
(improving.py). What would happen (whatif.py, scenarios.py, radius.py), why a date is what it is
(explaining.py), how full teams are (capacity.py).
"""

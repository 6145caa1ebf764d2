"""How loud a launch is: scoring.py, whether that changes by itself: retiering.py, how many loud ones: budget.py.

No dates are found here.
"""

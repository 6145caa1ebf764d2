"""Decisions: (state, message, policy) to `LaunchesChanged`, by who speaks: hearing.py, persons.py, timers.py. All pure.

A decision never changes the state; what was told is applied by `evolve` (state.py).
"""

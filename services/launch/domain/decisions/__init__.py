"""Decisions, a file for each who speaks: (state, message, policy) to `LaunchesChanged`. All pure.

A decision never changes the state; what was told is applied by `evolve` (evolution.py).
"""

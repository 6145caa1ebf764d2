"""Decisions: (state, message, policy) to `LaunchesChanged`, a file for each who speaks. All pure.

pipeline.py is the course they share, conflicts.py what plans cannot hold, message.py what is told. A decision never
changes the state; what was told is applied by `evolve` (evolution.py).
"""

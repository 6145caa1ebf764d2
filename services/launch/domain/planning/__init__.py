"""The planner of services/launch/domain/planner inside the service: kept up to date, asked for plans, checked.

frame.py says the policy in the engine's words, live.py keeps its schedule, resident.py the launches on it, and tries
things out and takes them back; joint.py makes a plan by attempts (attempt.py), running.py asks the engine, arranging.py
reads its answer, parts.py cuts it, looking.py says what came of it; domain/verifying checks it.
"""

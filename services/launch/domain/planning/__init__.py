"""The planner of services/launch/domain/planner inside the service: kept up to date, asked for plans, checked.

frame.py says the policy in the engine's words, live.py keeps its schedule, sketch.py tries things out and takes them
back, arranging.py makes a plan, parts.py cuts it, verify.py checks it. Pure, as the whole domain.
"""

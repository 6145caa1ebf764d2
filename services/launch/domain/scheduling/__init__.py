"""From what launches ask for to the dates they get. The door is schedule.py; each file imports only those before it.

engine_state.py (the engine's live schedule), request.py (values), single.py (a launch alone), approval.py (what needs a
person), remedies.py (ways out), run_engine.py (the search), draft.py (one attempt at a plan), schedule.py.
"""

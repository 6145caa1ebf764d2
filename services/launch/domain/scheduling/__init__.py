"""From what launches ask for to the dates they get: alone (single.py), or together by the engine (together.py)."""

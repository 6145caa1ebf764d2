"""The tables of launch, how they are loaded and saved (writing.py) and asked (reading.py, receipts.py)."""

"""The words services share and the messages they send. Pure: pydantic and the standard library, no plumbing."""

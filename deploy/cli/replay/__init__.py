"""`inloop replay`: a history of a roadmap through the real services, and a report of what followed."""

"""The policy lab: what was decided, decided again by another policy."""

"""Load, decide, save, announce: accepting what comes in, judging it, and keeping what it led to."""

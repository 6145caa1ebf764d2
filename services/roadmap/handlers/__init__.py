"""Load, decide, save, announce: accepting what comes in, and judging it. What others tell is kept, with no decision."""

"""A second opinion on every plan before it happens: own arithmetic, and nothing of the code that made the plan."""

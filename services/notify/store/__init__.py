"""notify's tables, and loading and saving them with few statements for whole batches. No decision is made here."""

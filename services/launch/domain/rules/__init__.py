"""What a launch's day may be, a file a rule. No date is chosen here."""

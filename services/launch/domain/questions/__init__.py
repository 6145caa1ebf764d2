"""What people may ask of the state as it is: why a date is what it is, what would happen, how full teams are."""

"""Game days: a calendar, a scheduler that survives anything, and what is told to whom."""

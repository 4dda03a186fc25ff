"""Making it happen: the plan, the run, its timeline, its journal, and putting everything back."""

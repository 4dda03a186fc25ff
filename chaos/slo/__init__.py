"""Pure functions from what was measured to what it means: indicators, intervals, verdicts."""

"""What people see while a run is under way and when it is over."""

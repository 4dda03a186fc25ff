"""CloudWatch: keeps metrics, publishes those of the lab's own parts, and evaluates alarms."""

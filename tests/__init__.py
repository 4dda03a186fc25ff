"""What users rely on, by concept."""

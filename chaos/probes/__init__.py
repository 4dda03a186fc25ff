"""Asking the system how it is."""

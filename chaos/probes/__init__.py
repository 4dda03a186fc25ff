"""Asking the system how it is: one file per kind of probe, each a function that asks once."""

"""The application in the lab: a small shop, as reference architectures have it."""

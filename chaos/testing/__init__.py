"""What the pytest plugin does once it is used; `chaos.pytest_plugin` is the way in."""

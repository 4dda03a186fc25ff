"""Resilience testing for applications on AWS.

The rooms of the house and which may import which are listed in ``docs/architecture.md``.
"""

__version__ = "0.1.0"

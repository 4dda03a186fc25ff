"""Where moto keeps a record but nothing happens: small changes to its models, made in its process.

Each file says what AWS does and what moto lacks. moto offers no seam for this, so its methods are
wrapped; a version of moto that no longer has one of them makes the lab fail at its start, by name.
"""

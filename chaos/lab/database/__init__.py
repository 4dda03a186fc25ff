"""RDS: real PostgreSQL servers behind the DB instances and clusters of the region.

A replica set is one primary with synchronous standbys in other zones. A Multi-AZ DB instance is one
whose standby nobody sees; a cluster is one whose standbys are its readers.
"""

"""ElastiCache: replication groups of real Valkey servers, with failover.

Only groups with cluster mode disabled have servers: one shard, a primary and its replicas.
"""

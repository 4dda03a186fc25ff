"""The load balancer: one Envoy for each Availability Zone it is in, as its node there."""

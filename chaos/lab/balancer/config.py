"""Envoy's configuration of a node that behaves as one of an Application Load Balancer.

Envoy's own words and defaults are at https://www.envoyproxy.io/docs/envoy/latest/api-v3/api.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chaos.lab.settings import LabSettings

CLUSTER = "targets"
STAT_PREFIX = "clients"

FOR_CLIENTS = "clients"
FOR_HEALTH = "health"
"""The names of a node's listeners."""

_TYPE = "type.googleapis.com/envoy"
_NO_LIMIT = 1_000_000


def bootstrap(settings: LabSettings, endpoints: Path, health_log: Path) -> dict[str, Any]:
    """All that a node needs to know at its start; ports are 0, so that the kernel chooses them."""
    return {
        "admin": {"address": _address(0)},
        "stats_flush_interval": "1s",  # Only then are histograms brought up to date.
        "static_resources": {
            "listeners": [_client_listener(settings), _health_listener()],
            "clusters": [_cluster(settings, endpoints, health_log)],
        },
    }


def assignment(port_of: Mapping[str, int]) -> dict[str, Any]:
    """The endpoints file: the loopback port that leads to each target, by the target's id."""
    members = [
        {"endpoint": {"address": _address(port), "hostname": target}}
        for target, port in sorted(port_of.items())
    ]
    resource = {
        "@type": f"{_TYPE}.config.endpoint.v3.ClusterLoadAssignment",
        "cluster_name": CLUSTER,
        "endpoints": [{"lb_endpoints": members}],
    }
    return {"resources": [resource]}


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _seconds(value: float) -> str:
    return f"{value:.3f}s"


def _client_listener(settings: LabSettings) -> dict[str, Any]:
    route = {
        "match": {"prefix": "/"},
        "route": {"cluster": CLUSTER, "timeout": _seconds(settings.idle_timeout)},
    }
    manager = {
        "stat_prefix": STAT_PREFIX,
        "common_http_protocol_options": {"idle_timeout": _seconds(settings.idle_timeout)},
        "server_header_transformation": "PASS_THROUGH",
        "use_remote_address": True,
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": [_router()],
        "local_reply_config": {"mappers": [_mapped("UC", 502), _mapped("UF", 504)]},
    }
    return _listener(FOR_CLIENTS, manager)


def _health_listener() -> dict[str, Any]:
    """Says 200 while at least one target is healthy and 503 otherwise, whatever it is asked."""
    check = {
        "@type": f"{_TYPE}.extensions.filters.http.health_check.v3.HealthCheck",
        "pass_through_mode": False,
        "headers": [{"name": ":path", "string_match": {"prefix": "/"}}],
        "cluster_min_healthy_percentages": {CLUSTER: {"value": 0.001}},
    }
    manager = {
        "stat_prefix": FOR_HEALTH,
        "route_config": {"virtual_hosts": []},
        "http_filters": [
            {"name": "envoy.filters.http.health_check", "typed_config": check},
            _router(),
        ],
    }
    return _listener(FOR_HEALTH, manager)


def _listener(name: str, manager: dict[str, Any]) -> dict[str, Any]:
    """A listener that speaks HTTP."""
    kind = f"{_TYPE}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
    connection_manager = {
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": {"@type": kind, **manager},
    }
    chain = {"filters": [connection_manager]}
    return {"name": name, "address": _address(0), "filter_chains": [chain]}


def _router() -> dict[str, Any]:
    """No retries: an Application Load Balancer makes none."""
    router = {
        "@type": f"{_TYPE}.extensions.filters.http.router.v3.Router",
        "suppress_envoy_headers": True,
    }
    return {"name": "envoy.filters.http.router", "typed_config": router}


def _mapped(flag: str, status: int) -> dict[str, Any]:
    """Answer as an Application Load Balancer does.

    502 where the target closed the connection (`UC`), 504 where it could not be reached in time
    (`UF`). A target that refuses shows as `UC`, too: the link accepts, then resets.
    """
    return {"filter": {"response_flag_filter": {"flags": [flag]}}, "status_code": status}


def _cluster(settings: LabSettings, endpoints: Path, health_log: Path) -> dict[str, Any]:
    protocol = {
        "@type": f"{_TYPE}.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http_protocol_options": {}},
        "common_http_protocol_options": {"idle_timeout": _seconds(settings.idle_timeout)},
    }
    return {
        "name": CLUSTER,
        "type": "EDS",
        "eds_cluster_config": {
            "eds_config": {
                "path_config_source": {"path": str(endpoints)},
                "resource_api_version": "V3",
            }
        },
        "connect_timeout": _seconds(settings.connect_timeout),
        "lb_policy": "ROUND_ROBIN",
        "common_lb_config": {
            # When all targets are unhealthy, and only then, the balancer tries them all: it
            # "fails open".
            "healthy_panic_threshold": {"value": 1},
            # What a health check finds holds at once, not up to a second later.
            "update_merge_window": "0s",
        },
        # A deregistered target gets no new request, healthy or not.
        "ignore_health_on_host_removal": True,
        "circuit_breakers": {
            "thresholds": [
                {
                    "max_connections": _NO_LIMIT,
                    "max_pending_requests": _NO_LIMIT,
                    "max_requests": _NO_LIMIT,
                }
            ]
        },
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": protocol
        },
        "health_checks": [_health_check(settings, health_log)],
    }


def _health_check(settings: LabSettings, health_log: Path) -> dict[str, Any]:
    sink = {
        "@type": f"{_TYPE}.extensions.health_check.event_sinks.file.v3.HealthCheckEventFileSink",
        "event_log_path": str(health_log),
    }
    interval = _seconds(settings.health_check_interval)
    return {
        "timeout": _seconds(settings.health_check_timeout),
        "interval": interval,
        "no_traffic_interval": interval,  # Envoy's own default is a minute until there is traffic.
        "unhealthy_threshold": settings.unhealthy_threshold,
        "healthy_threshold": settings.healthy_threshold,
        "reuse_connection": False,  # As the Application Load Balancer has it.
        "http_health_check": {"path": "/health"},
        "event_logger": [{"name": "envoy.health_check.event_sink.file", "typed_config": sink}],
    }

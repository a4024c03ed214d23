"""The server's configuration: zoo.cfg, `-D`, JVM flags and arguments to one typed, checked `ServerConfig`."""

from zkeeper.server.config.ensemble import (
    ElectionConfig,
    EnsembleConfig,
    LearnersConfig,
    PeerSecurityConfig,
    QuorumConfig,
)
from zkeeper.server.config.explain import Explained, explain
from zkeeper.server.config.load import Loaded, from_arguments, load
from zkeeper.server.config.messages import ConfigError, Note
from zkeeper.server.config.model import (
    AdminConfig,
    AuditConfig,
    AuthConfig,
    ConnectionThrottleConfig,
    LimitsConfig,
    MetricsConfig,
    NetworkConfig,
    NodesConfig,
    RequestThrottleConfig,
    RetentionConfig,
    ServerConfig,
    SessionConfig,
    StorageConfig,
)
from zkeeper.server.config.tls import TlsConfig

__all__ = [
    "AdminConfig",
    "AuditConfig",
    "AuthConfig",
    "ConfigError",
    "ConnectionThrottleConfig",
    "ElectionConfig",
    "EnsembleConfig",
    "Explained",
    "LearnersConfig",
    "LimitsConfig",
    "Loaded",
    "MetricsConfig",
    "NetworkConfig",
    "NodesConfig",
    "Note",
    "PeerSecurityConfig",
    "QuorumConfig",
    "RequestThrottleConfig",
    "RetentionConfig",
    "ServerConfig",
    "SessionConfig",
    "StorageConfig",
    "TlsConfig",
    "explain",
    "from_arguments",
    "load",
]

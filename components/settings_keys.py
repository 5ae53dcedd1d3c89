"""The top keys of a stack's settings."""

from collections.abc import Mapping
from typing import Any

KEYS: Mapping[str, tuple[str, Any]] = {
    "pipelines": ("object", {}),
    "registry": ("string", "own"),
    "registryAccount": ("string", ""),
    "repositories": ("array", []),
    "pullers": ("object", {}),
    "pushers": ("object", {}),
    "retainedImages": ("integer", 10),
    "untaggedDays": ("integer", 1),
    "protectedTagPrefixes": ("array", ["release-", "deployed-"]),
    "maxVcpus": ("integer", 16),
    "network": ("object", {"kind": "new"}),
    "stageName": ("string", "default"),
    "corsOrigins": ("array", ["*"]),
    "throttle": ("object", {"rate": 20, "burst": 40}),
    "quotaPerDay": ("integer", 10_000),
    "consumers": ("object", {"default": {}}),
    "functions": ("object", {}),
    "services": ("object", {}),
    "notifications": ("object", {}),
    "logRetentionDays": ("integer", 30),
    "resultRetentionDays": ("integer", 90),
    "inputRetentionDays": ("integer", 7),
    "protectData": ("boolean", False),
    "buildCache": ("boolean", True),
    "buildOnPreview": ("boolean", False),
    "docs": ("object", {"mode": "website"}),
    "jobVisibility": ("string", "consumer"),
    "permissionsBoundary": ("string", ""),
}
"""Key -> type and default, as `Pulumi.yaml` declares them."""

REGISTRY_KEYS = (
    *("repositories", "pullers", "pushers", "retainedImages", "untaggedDays", "protectedTagPrefixes"),
    *("notifications", "protectData", "buildCache"),
)
"""The keys of a stack that has repositories for others and nothing else."""

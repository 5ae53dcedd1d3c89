"""CIDR blocks: which of them are as good as the whole internet."""

import ipaddress
from typing import Final

NARROWEST_OPEN_IPV4: Final = 7
NARROWEST_OPEN_IPV6: Final = 31
"""Prefix lengths up to which public addresses count as anybody: S3 draws the line at /8 and /32 [S3 user guide, "The
meaning of public"]. A test for `0.0.0.0/0` alone misses the same thing written as two halves."""


def is_open(cidr: str) -> bool:
    """Whether a block is so broad that it stands for anybody. Raises `ValueError` for what is no block.

    Host bits may be set, as in `1.2.3.4/0`: AWS ignores them, too.
    """
    network = ipaddress.ip_network(cidr.strip(), strict=False)
    limit = NARROWEST_OPEN_IPV4 if network.version == 4 else NARROWEST_OPEN_IPV6
    return network.prefixlen <= limit and not network.is_private

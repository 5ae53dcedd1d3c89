"""A guard that keeps a process from talking to anything but this machine."""

import ipaddress
import socket
import sys
from typing import Final, cast

_WATCHED: Final = {"socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"}


class NotLoopbackError(PermissionError):
    """Something in the sandbox tried to reach another machine, or to be reached by one."""


def install() -> None:
    """Refuse every address and host name that is not this machine's own, for the rest of the process's life.

    An audit hook sees each socket of the interpreter, those of libraries included, and cannot be removed. Child
    processes are not covered.
    """
    sys.addaudithook(_check)


def is_loopback(host: str) -> bool:
    """Whether a host name or address names this machine, and cannot name another one."""
    name = host.strip("[]").lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _check(event: str, args: tuple[object, ...]) -> None:
    if event not in _WATCHED:
        return
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = args[0]
    else:
        family, address = getattr(args[0], "family", None), args[1]
        if family not in (socket.AF_INET, socket.AF_INET6) or not isinstance(address, tuple):
            return
        host = cast("tuple[object, ...]", address)[0]
    text = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host) if host is not None else ""
    if text and not is_loopback(text):
        raise NotLoopbackError(f"The sandbox stays on this machine: {event} of {text} was refused.")

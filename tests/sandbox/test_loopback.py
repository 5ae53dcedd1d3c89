"""The guard that keeps the server on this machine. It is installed in a process of its own: it can't be taken away."""

import subprocess
import sys

import pytest

from sandbox.loopback import is_loopback

_PROBE = """
import socket, sys
from sandbox import loopback
loopback.install()
def tried(action):
    try:
        action()
    except loopback.NotLoopbackError:
        return "refused"
    except OSError:
        return "let through"
    return "let through"
tcp, udp, unix = socket.socket(), socket.socket(type=socket.SOCK_DGRAM), socket.socket(socket.AF_UNIX)
print(tried(lambda: tcp.connect(("192.0.2.1", 80))))
print(tried(lambda: tcp.bind(("192.0.2.1", 0))))
print(tried(lambda: udp.sendto(b"x", ("192.0.2.1", 53))))
print(tried(lambda: socket.getaddrinfo("example.com", 80)))
print(tried(lambda: tcp.connect(("127.0.0.1", 1))))
print(tried(lambda: socket.socket().bind(("127.0.0.1", 0))))
print(tried(lambda: socket.getaddrinfo("localhost", 80)))
print(tried(lambda: unix.connect("/nonexistent")))
"""


def test_other_machines_are_refused_and_this_one_is_not() -> None:
    command = [sys.executable, "-c", _PROBE]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)  # noqa: S603
    assert result.stdout.split("\n")[:-1] == ["refused"] * 4 + ["let through"] * 4


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.8.9.10", "::1", "[::1]", "localhost", "LOCALHOST.", "a.b.localhost"]
)
def test_names_and_addresses_of_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["192.0.2.1", "::", "10.0.0.1", "localhost.example", "notlocalhost", "", "127.0.0.1.example"]
)
def test_names_and_addresses_of_others(host: str) -> None:
    assert not is_loopback(host)

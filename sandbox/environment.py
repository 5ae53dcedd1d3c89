"""The environment of the sandbox's server, and of all that it starts: made from nothing, never inherited.

A function or a job that ran with the user's own environment could read a token, or reach a real account with the user's
credentials. The server therefore replaces its environment before it imports anything that reads one.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

ACCOUNT_ID: Final = "000000000000"
ACCESS_KEY: Final = "test"
"""Access key id and secret of every caller. It is no 12-digit number, so that the account is `ACCOUNT_ID`."""
INSTANCE_VARIABLE: Final = "SLIPWAY_SANDBOX"
"""Marks every process of one sandbox, so that those that outlive a killed server can be found."""

_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def endpoint_url(port: int) -> str:
    """Where the sandbox answers."""
    return f"http://127.0.0.1:{port}"


def client_environment(port: int, region: str, home: Path) -> dict[str, str]:
    """What an AWS client needs to reach the sandbox and nothing else.

    Args:
        home: an empty folder; without one, SDKs look up the user's own configuration.
    """
    return {
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": ACCESS_KEY,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_ENDPOINT_URL": endpoint_url(port),
        "AWS_CONFIG_FILE": str(home / "no-aws-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(home / "no-aws-credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "HOME": str(home),
    }


def provider_environment(port: int, region: str, home: Path) -> dict[str, str]:
    """What the real AWS provider needs to reach the sandbox and nothing else.

    It reads the tags of buckets from S3 Control, whose SDK asks `{account}.{host of the endpoint}`: with an address for
    a host, a name that nothing resolves. Go's HTTP clients never ask a proxy for a loopback address, so the sandbox as
    the proxy gets just these. gRPC reads the variable in lower case only, and must not see it.
    """
    return {**client_environment(port, region, home), "HTTP_PROXY": endpoint_url(port)}


def server_environment(port: int, region: str, state: Path, instance: str) -> Mapping[str, str]:
    """The whole environment of the server process.

    Args:
        port: TCP port on 127.0.0.1.
        region: AWS region that the emulator plays.
        state: the sandbox's folder.
        instance: identity of this sandbox, see `INSTANCE_VARIABLE`.
    """
    return {
        **client_environment(port, region, state / "home"),
        INSTANCE_VARIABLE: instance,
        "PATH": _PATH,
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "TMPDIR": str(state / "tmp"),
        # ministack reads these when it is imported.
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "localhost",
        "MINISTACK_ACCOUNT_ID": ACCOUNT_ID,
        "MINISTACK_REGION": region,
        "MINISTACK_VERSION": "embedded",
        "LAMBDA_EXECUTOR": "local",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "S3_DATA_DIR": str(state / "tmp" / "s3"),
        "STATE_DIR": str(state / "tmp" / "state"),
        "LOG_LEVEL": "WARNING",
        "AUTH": "true",
    }

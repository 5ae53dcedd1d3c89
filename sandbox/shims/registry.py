"""The registry protocol: tags that may not move stay where they are, as with ECR's API."""

from collections.abc import Callable, Mapping
from typing import Any

from sandbox import emulator
from sandbox.shims.ecr import mutability
from sandbox.shims.replacing import replace


def install() -> None:
    """Replace the emulator's functions."""
    replace(emulator.service("ecr"), "_v2_put_manifest", _refuse_to_move)


def _refuse_to_move(original: Callable[..., Any]) -> Callable[..., Any]:
    def put(name: str, reference: str, headers: Mapping[str, str], body: bytes) -> Any:
        ecr = emulator.service("ecr")
        if mutability(name, reference) == "IMMUTABLE":
            digest = ecr._content_digest(body)
            for image in ecr._images.get(name, []):
                if reference in image.get("imageTags", []) and image["imageDigest"] != digest:
                    message = f"The image tag '{reference}' already exists in the '{name}' repository and cannot be "
                    return ecr._registry_error(
                        400, "TAG_INVALID", f"{message}overwritten because the tag is immutable."
                    )
        return original(name, reference, headers, body)

    return put

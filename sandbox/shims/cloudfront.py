"""CloudFront: a policy of response headers has no settings but those that were written."""

from collections.abc import Callable, Mapping
from typing import Any, Final
from xml.etree.ElementTree import Element

from sandbox import emulator
from sandbox.shims.replacing import replace

_LISTS: Final = ("CustomHeadersConfig", "RemoveHeadersConfig")


def install() -> None:
    """Replace the emulator's function."""
    replace(emulator.service("cloudfront"), "_build_rhp_config_xml", _without_empty_lists)


def _without_empty_lists(original: Callable[..., None]) -> Callable[..., None]:
    """An empty list that was never written is a change in every preview of the real provider."""

    def build(parent: Element, config: Mapping[str, Any]) -> None:
        original(parent, config)
        for name in _LISTS:
            found = parent.find(name)
            if found is not None and found.findtext("Quantity") == "0":
                parent.remove(found)

    return build

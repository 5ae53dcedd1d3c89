"""What stands in for the providers: answers each resource and each invoke of a program that runs offline."""

from collections.abc import Mapping
from typing import Any, Protocol

from engine.registration import Registration


class Provider(Protocol):
    """Creates resources and answers invokes. Both are called from several threads at once, in dependency order."""

    def create(self, registration: Registration) -> tuple[str, Mapping[str, Any]]:
        """The physical id ("" for not yet known) and the outputs of a custom resource."""
        ...

    def invoke(self, token: str, args: Mapping[str, Any]) -> Mapping[str, Any]:
        """The result of a provider function, for example `aws:index/getRegion:getRegion`."""
        ...

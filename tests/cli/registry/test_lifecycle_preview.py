"""How ECR is asked for its own preview of a lifecycle policy, and what is said where it refuses or is slow."""

from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from cli.errors import CliError
from cli.registry.client import Repository
from tests.cli.registry.conftest import REGION


class FakeClient:
    """boto3's client for ECR where it refuses to start a preview, or never ends one."""

    def __init__(self, *, code: str = "") -> None:
        self.meta = type("Meta", (), {"region_name": REGION, "endpoint_url": "http://127.0.0.1"})
        self._code = code

    def start_lifecycle_policy_preview(self, **_arguments: Any) -> dict[str, Any]:
        if self._code:
            raise ClientError(
                {"Error": {"Code": self._code, "Message": "what ECR says"}}, "StartLifecyclePolicyPreview"
            )
        return {}

    def get_waiter(self, name: str) -> "FakeClient":
        assert name == "lifecycle_policy_preview_complete"
        return self

    def wait(self, **arguments: Any) -> None:
        assert arguments == {"repositoryName": "a/words", "WaiterConfig": {"Delay": 3, "MaxAttempts": 40}}
        raise WaiterError("LifecyclePolicyPreviewComplete", "Max attempts exceeded", {})


class TestPreviewThatFails:
    @pytest.mark.parametrize(
        ("code", "problem"),
        [
            (
                "InvalidParameterException",
                "ECR refuses the lifecycle policy for repository 'a/words' in eu-central-1: ",
            ),
            ("LifecyclePolicyPreviewInProgressException", "Run this again in a minute."),
            ("AccessDeniedException", "AWS refuses ecr:StartLifecyclePolicyPreview on repository 'a/words'"),
            ("", "ECR has not told what the lifecycle policy would do in repository 'a/words' in eu-central-1: "),
        ],
    )
    def test_reason_is_told(self, code: str, problem: str) -> None:
        with pytest.raises(CliError) as caught:
            Repository(FakeClient(code=code), "a/words").preview_lifecycle("{}")
        assert problem in str(caught.value)


class PagedClient(FakeClient):
    """One that answers each list in two pages, and notes what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[dict[str, Any]] = []

    def wait(self, **_arguments: Any) -> None:
        """The preview is there at once."""

    def _page(self, key: str, arguments: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(arguments)
        return {key: [2]} if "nextToken" in arguments else {key: [1], "nextToken": "more"}

    def describe_images(self, **arguments: Any) -> dict[str, Any]:
        return self._page("imageDetails", arguments)

    def get_lifecycle_policy_preview(self, **arguments: Any) -> dict[str, Any]:
        return self._page("previewResults", arguments)


class TestPages:
    NAME = "a/words"

    def test_archived_images_are_asked_for(self) -> None:
        client = PagedClient()
        assert list(Repository(client, self.NAME).images(archived=True)) == [1, 2]
        every = {"repositoryName": self.NAME, "filter": {"imageStatus": "ANY"}}
        assert client.asked == [every, {**every, "nextToken": "more"}]

    def test_all_results_of_a_preview_are_read(self) -> None:
        client = PagedClient()
        assert Repository(client, self.NAME, account="123456789012").preview_lifecycle("{}") == [1, 2]
        place = {"repositoryName": self.NAME, "registryId": "123456789012"}
        assert client.asked == [place, {**place, "nextToken": "more"}]

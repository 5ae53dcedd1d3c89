"""ECR: previews of lifecycle policies, answered by the simulator of the policy pack. Nothing ever expires here."""

import datetime
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from policy.guardrails.image_listing import members_of
from policy.guardrails.lifecycle_simulation import Action, Image, LifecyclePolicyError, Verdict, read_policy, simulate
from sandbox import emulator
from sandbox.shims.ecr_images import answer, document_of, no_repository, refuse, subject_of
from sandbox.shims.replacing import replace

Data = Mapping[str, Any]

_PREVIEW: Final = "lifecyclePolicyPreview"
"""Where a repository keeps its last preview."""
_PAGE: Final = 100
"""Images of one page unless the caller says otherwise [ECR API reference, "GetLifecyclePolicyPreview"]."""


def install() -> None:
    """Replace the emulator's function that knows the service's actions."""
    replace(emulator.service("ecr"), "handle_request", _with_previews)


def _with_previews(original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    actions: Mapping[str, Callable[[Data], Any]] = {
        "StartLifecyclePolicyPreview": _start,
        "GetLifecyclePolicyPreview": _get,
    }

    async def handle(method: str, path: str, headers: Mapping[str, str], body: bytes, query: Any) -> Any:
        action = actions.get(headers.get("x-amz-target", "").rpartition(".")[2])
        if action is None:
            return await original(method, path, headers, body, query)
        data = json.loads(body or b"{}")
        return no_repository(data) or action(data)

    return handle


def _start(data: Data) -> Any:
    """Evaluate a policy, else the repository's own. ECR does it in the background; here it is done at once."""
    name, ecr = data["repositoryName"], emulator.service("ecr")
    text: str | None = data.get("lifecyclePolicyText") or ecr._lifecycle_policies.get(name)
    if text is None:
        return refuse("LifecyclePolicyNotFoundException", f"Lifecycle policy does not exist {_where(name)}")
    try:
        rules = read_policy(text)
    except LifecyclePolicyError as error:
        message = "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: "
        return refuse("InvalidParameterException", f"{message}'Lifecycle policy validation failure: {error}'")
    verdicts = simulate(rules, _images(name), datetime.datetime.now(datetime.UTC))
    ecr._repositories[name][_PREVIEW] = {
        "lifecyclePolicyText": text,
        "previewResults": [_result(verdict) for verdict in verdicts if verdict.action is not Action.KEEP],
    }
    return answer({**_names(name), "lifecyclePolicyText": text, "status": "IN_PROGRESS"})


def _get(data: Data) -> Any:
    name = data["repositoryName"]
    preview = emulator.service("ecr")._repositories[name].get(_PREVIEW)
    if preview is None:
        return refuse(
            "LifecyclePolicyPreviewNotFoundException", f"Lifecycle policy preview does not exist {_where(name)}"
        )
    status = data.get("filter", {}).get("tagStatus", "ANY")
    wanted = {image_id.get("imageDigest") for image_id in data.get("imageIds", [])}
    results = [
        result
        for result in preview["previewResults"]
        if status in ("ANY", "TAGGED" if result.get("imageTags") else "UNTAGGED")
        and (not wanted or result["imageDigest"] in wanted)
    ]
    start, size = int(data.get("nextToken") or 0), int(data.get("maxResults") or _PAGE)
    more = {"nextToken": str(start + size)} if start + size < len(results) else {}
    return answer(
        {
            **_names(name),
            "lifecyclePolicyText": preview["lifecyclePolicyText"],
            "status": "COMPLETE",
            "previewResults": results[start : start + size],
            "summary": _summary(preview["previewResults"]),
            **more,
        }
    )


def _images(name: str) -> list[Image]:
    stored: Sequence[Mapping[str, Any]] = emulator.service("ecr")._images.get(name, [])
    return [
        Image(
            digest=image["imageDigest"],
            tags=tuple(image.get("imageTags", [])),
            pushed_at=datetime.datetime.fromtimestamp(image["imagePushedAt"], datetime.UTC),
            members=members_of(image["imageManifest"]),
            subject=subject_of(document_of(image["imageManifest"])),
        )
        for image in stored
    ]


def _result(verdict: Verdict) -> dict[str, Any]:
    image = verdict.image
    archive = verdict.action is Action.ARCHIVE
    return {
        "imageDigest": image.digest,
        **({"imageTags": list(image.tags)} if image.tags else {}),
        "imagePushedAt": image.pushed_at.timestamp(),
        "action": {"type": "TRANSITION", "targetStorageClass": "ARCHIVE"} if archive else {"type": "EXPIRE"},
        **({"appliedRulePriority": verdict.rule.priority} if verdict.rule else {}),
        "storageClass": image.storage_class.upper(),
    }


def _summary(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    archived = sum(result["action"]["type"] == "TRANSITION" for result in results)
    counts = [{"targetStorageClass": "ARCHIVE", "imageTotalCount": archived}]
    return {
        "expiringImageTotalCount": len(results) - archived,
        **({"transitioningImageTotalCounts": counts} if archived else {}),
    }


def _names(name: str) -> dict[str, Any]:
    return {"registryId": emulator.service("ecr").get_account_id(), "repositoryName": name}


def _where(name: str) -> str:
    registry = emulator.service("ecr").get_account_id()
    return f"for the repository with name '{name}' in the registry with id '{registry}'"

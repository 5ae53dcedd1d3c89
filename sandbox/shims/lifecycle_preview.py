"""ECR: previews of lifecycle policies, answered by the simulator of the policy pack. Nothing ever expires here."""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any, Final

from policy.guardrails.image_listing import members_of
from policy.guardrails.lifecycle_simulation import Action, Image, LifecyclePolicyError, Verdict, read_policy, simulate
from sandbox import emulator
from sandbox.shims.ecr_answers import Data, add, answer, has_wanted_tags, names, page, refuse, repository
from sandbox.shims.ecr_images import document_of, subject_of

_PREVIEW: Final = "lifecyclePolicyPreview"
"""Where a repository keeps its last preview."""


def install() -> None:
    """Add the actions."""
    add({"StartLifecyclePolicyPreview": _start, "GetLifecyclePolicyPreview": _get})


def _start(data: Data) -> Any:
    """Evaluate a policy, else the repository's own. ECR does it in the background; here it is done at once."""
    name, ecr = data["repositoryName"], emulator.service("ecr")
    text: str | None = data.get("lifecyclePolicyText") or ecr._lifecycle_policies.get(name)
    if text is None:
        return refuse("LifecyclePolicyNotFoundException", f"Lifecycle policy does not exist for {repository(data)}")
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
    return answer({**names(data), "lifecyclePolicyText": text, "status": "IN_PROGRESS"})


def _get(data: Data) -> Any:
    preview = emulator.service("ecr")._repositories[data["repositoryName"]].get(_PREVIEW)
    if preview is None:
        message = f"Lifecycle policy preview does not exist for {repository(data)}"
        return refuse("LifecyclePolicyPreviewNotFoundException", message)
    wanted = {image_id.get("imageDigest") for image_id in data.get("imageIds", [])}
    return page(
        data,
        "previewResults",
        [
            result
            for result in preview["previewResults"]
            if has_wanted_tags(data, result) and (not wanted or result["imageDigest"] in wanted)
        ],
        **names(data),
        lifecyclePolicyText=preview["lifecyclePolicyText"],
        status="COMPLETE",
        summary=_summary(preview["previewResults"]),
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

"""One ECR repository: manifests, configurations, tags and lists, by the API alone. No layer is ever pulled."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import urlsplit, urlunsplit

import boto3  # pyright: ignore[reportMissingTypeStubs] - it has none
import httpx
from botocore.config import Config  # pyright: ignore[reportMissingTypeStubs] - it has none
from botocore.exceptions import (  # pyright: ignore[reportMissingTypeStubs] - it has none
    BotoCoreError,
    ClientError,
    WaiterError,
)

from cli.errors import CliError
from cli.outputs import LOCAL_STACK
from cli.project import state_folder
from cli.registry.failures import error_code, explain
from cli.registry.stacks import ImageReference, StackFile
from sandbox import process
from sandbox.environment import ACCESS_KEY
from sandbox.loopback import is_loopback

OCI_INDEX: Final = "application/vnd.oci.image.index.v1+json"
DOCKER_LIST: Final = "application/vnd.docker.distribution.manifest.list.v2+json"
OCI_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
DOCKER_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
MEDIA_TYPES: Final = (OCI_MANIFEST, DOCKER_MANIFEST, OCI_INDEX, DOCKER_LIST)
"""All that may lie in a repository. ECR answers a form that isn't asked for with an image of its own choice."""

_CONFIG: Final = Config(
    retries={"mode": "standard", "total_max_attempts": 5}, connect_timeout=10, read_timeout=60, max_pool_connections=16
)
_MAX_CONFIG_BYTES: Final = 8 * 1024 * 1024
"""A configuration has some KiB; whatever is larger is none."""
_BATCH: Final = 100
"""Images of one BatchGetImage [ECR API reference, "BatchGetImage"]."""
_OPERATIONS: Final = {
    "batch_get_image": "BatchGetImage",
    "describe_image_scan_findings": "DescribeImageScanFindings",
    "describe_images": "DescribeImages",
    "describe_repositories": "DescribeRepositories",
    "get_download_url_for_layer": "GetDownloadUrlForLayer",
    "get_lifecycle_policy": "GetLifecyclePolicy",
    "get_lifecycle_policy_preview": "GetLifecyclePolicyPreview",
    "put_image": "PutImage",
    "start_image_scan": "StartImageScan",
    "start_lifecycle_policy_preview": "StartLifecyclePolicyPreview",
}
_NO_SCANNER: Final = ("InvalidAction", "UnknownOperationException")
"""How registries that speak ECR's API, emulators for example, say that they have no scans."""


class Refusal(Exception):  # noqa: N818 - an answer that the caller asked to hear of, not a failure
    """An error code that a caller expects."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """A manifest, byte for byte as the registry has it."""

    digest: str
    media_type: str
    text: str

    @property
    def document(self) -> dict[str, Any]:
        """What it says; empty if it isn't JSON."""
        try:
            found: object = json.loads(self.text)
        except ValueError:
            return {}
        return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


class Repository:
    """A repository as the credentials of the environment see it.

    Every method raises a CliError that says what to do where AWS refuses, can't be reached or answers nonsense.
    """

    def __init__(self, client: Any, name: str, *, account: str = "") -> None:
        """Make it; nothing is asked yet.

        Args:
            client: boto3's, for ECR in the repository's region.
            name: the repository's, without the registry.
            account: the registry's 12 digits; empty: that of the credentials.
        """
        self._client = client
        self._place = {"repositoryName": name, **({"registryId": account} if account else {})}
        self.name = name
        self.region: str = client.meta.region_name

    @property
    def subject(self) -> str:
        """How messages call it."""
        account = self._place.get("registryId")
        return f"repository {self.name!r} in {f'account {account}, ' if account else ''}{self.region}"

    def address(self) -> tuple[str, str]:
        """Account and host name of the registry, as AWS calls them whatever the endpoint is; asked for if not known."""
        account = self._place.get("registryId")
        if account is None:
            (found,) = self._ask("describe_repositories", _place={}, repositoryNames=[self.name])["repositories"]
            account = str(found["registryId"])
        domain = "amazonaws.com.cn" if self.region.startswith("cn-") else "amazonaws.com"
        return account, f"{account}.dkr.ecr.{self.region}.{domain}"

    def manifest(self, digest: str) -> Manifest:
        """The manifest of an image or an index; its bytes are what the digest says.

        Raises:
            CliError: there is no such image.
        """
        images, failures = self._read([{"imageDigest": digest}])
        if not images:
            failure: Mapping[str, Any] = failures[0] if failures else {}
            code = str(failure.get("failureCode", "ImageNotFound"))
            if code != "ImageNotFound":
                reason = f"{code}: {failure.get('failureReason', '')}"
                raise CliError(f"The image {digest} in {self.subject} can't be read ({reason}).")
            raise CliError(
                f"There is no image {digest} in {self.subject}. The lifecycle expired it, somebody deleted it, or it "
                "lies elsewhere. `slipway images` lists what is there; the stack that builds it pushes it again."
            )
        found = images[0][1]
        if found.digest != digest:
            raise CliError(
                f"The manifest that {self.subject} answers for {digest} is that of {found.digest}: it is damaged, or "
                "something between here and ECR changes it. Nothing is promoted from such a place."
            )
        return found

    def manifests(self, digests: Sequence[str]) -> dict[str, Manifest]:
        """The manifests that are there, by the digest that was asked for."""
        found: dict[str, Manifest] = {}
        for start in range(0, len(digests), _BATCH):
            found.update(self._read([{"imageDigest": digest} for digest in digests[start : start + _BATCH]])[0])
        return found

    def tagged(self, tag: str) -> str | None:
        """The digest that a tag names; None if there is no such tag."""
        images, _ = self._read([{"imageTag": tag}])
        return images[0][0] if images else None

    def tag(self, manifest: Manifest, tag: str) -> None:
        """Give an image a further tag: the very manifest is put again, no layer moves.

        Raises:
            Refusal: the tag is there already, with this digest or another.
        """
        self._ask(
            "put_image",
            _expected=("ImageAlreadyExistsException", "ImageTagAlreadyExistsException"),
            imageManifest=manifest.text,
            imageManifestMediaType=manifest.media_type,
            imageTag=tag,
            imageDigest=manifest.digest,
        )

    def blob(self, digest: str) -> bytes:
        """A configuration's bytes, which are what the digest says."""
        url = str(self._ask("get_download_url_for_layer", layerDigest=digest)["downloadUrl"])
        content = self._download(self._reachable(url))
        if f"sha256:{hashlib.sha256(content).hexdigest()}" != digest:
            raise CliError(f"What {self.subject} serves for {digest} is something else: it is damaged.")
        return content

    def images(self, *, archived: bool = False) -> Iterator[Mapping[str, Any]]:
        """All images, as DescribeImages tells of them; those in the archive only if they are asked for."""
        status = {"filter": {"imageStatus": "ANY"}} if archived else {}
        return self._pages("describe_images", "imageDetails", **status)

    def lifecycle_policy(self) -> str | None:
        """The lifecycle policy's text; None if there is none, and nothing expires."""
        try:
            answer = self._ask("get_lifecycle_policy", _expected=("LifecyclePolicyNotFoundException",))
        except Refusal:
            return None
        return str(answer["lifecyclePolicyText"])

    def preview_lifecycle(self, policy: str) -> list[Mapping[str, Any]]:
        """What ECR itself says that a lifecycle policy would do now: one entry for each image that doesn't stay.

        Raises:
            CliError: ECR refuses the policy, evaluates another one just now, or isn't done in two minutes.
        """
        refusals = ("InvalidParameterException", "LifecyclePolicyPreviewInProgressException")
        try:
            self._ask("start_lifecycle_policy_preview", _expected=refusals, lifecyclePolicyText=policy)
        except Refusal as refusal:
            if refusal.code == refusals[0]:
                raise CliError(f"ECR refuses the lifecycle policy for {self.subject}: {refusal}") from refusal
            raise CliError(
                f"ECR is evaluating a lifecycle policy for {self.subject} already. Run this again in a minute."
            ) from refusal
        waiter = self._client.get_waiter("lifecycle_policy_preview_complete")
        try:
            waiter.wait(**self._place, WaiterConfig={"Delay": 3, "MaxAttempts": 40})
        except WaiterError as error:
            raise CliError(
                f"ECR has not told what the lifecycle policy would do in {self.subject}: {error}. Run this again."
            ) from error
        return list(self._pages("get_lifecycle_policy_preview", "previewResults"))

    def scan_findings(self, digest: str, token: str | None = None) -> Mapping[str, Any]:
        """One page of what a scan found.

        Raises:
            Refusal: there was no scan.
        """
        more: dict[str, Any] = {"nextToken": token} if token else {}
        return self._ask(
            "describe_image_scan_findings",
            _expected=("ScanNotFoundException", *_NO_SCANNER),
            imageId={"imageDigest": digest},
            **more,
        )

    def start_scan(self, digest: str) -> None:
        """Ask for a scan.

        Raises:
            Refusal: this image can't be scanned, or not again so soon.
        """
        refusals = ("LimitExceededException", "UnsupportedImageTypeException", "ValidationException", *_NO_SCANNER)
        self._ask("start_image_scan", _expected=refusals, imageId={"imageDigest": digest})

    def _pages(self, call: str, key: str, **arguments: Any) -> Iterator[Mapping[str, Any]]:
        """The entries of all pages of a list."""
        more: dict[str, Any] = {}
        while True:
            page = self._ask(call, **arguments, **more)
            yield from page.get(key, [])
            if not page.get("nextToken"):
                return
            more = {"nextToken": page["nextToken"]}

    def _read(
        self, image_ids: Sequence[Mapping[str, str]]
    ) -> tuple[list[tuple[str, Manifest]], list[Mapping[str, Any]]]:
        """Digest as the registry says it, with the manifest, whose own digest is computed; and what isn't there."""
        answer = self._ask("batch_get_image", imageIds=image_ids, acceptedMediaTypes=list(MEDIA_TYPES))
        images: list[tuple[str, Manifest]] = []
        for image in answer.get("images", []):
            text = str(image["imageManifest"])
            digest = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
            media_type = str(image.get("imageManifestMediaType", ""))
            found = Manifest(digest=digest, media_type=media_type, text=text)
            images.append((str(image["imageId"]["imageDigest"]), found))
        return images, answer.get("failures", [])

    def _ask(
        self,
        call: str,
        *,
        _expected: Sequence[str] = (),
        _place: Mapping[str, str] | None = None,
        **arguments: Any,
    ) -> dict[str, Any]:
        place = self._place if _place is None else _place
        try:
            return getattr(self._client, call)(**place, **arguments)
        except ClientError as error:
            if error_code(error) in _expected:
                raise Refusal(error_code(error), str(error)) from error
            raise explain(error, _OPERATIONS[call], self.subject) from error
        except BotoCoreError as error:
            raise explain(error, _OPERATIONS[call], self.subject) from error

    def _reachable(self, url: str) -> str:
        """An emulator on this machine may name AWS's hosts in its answers; what it serves is at its own address."""
        endpoint = urlsplit(str(self._client.meta.endpoint_url))
        parts = urlsplit(url)
        if is_loopback(endpoint.hostname or "") and not is_loopback(parts.hostname or ""):
            return urlunsplit(parts._replace(scheme=endpoint.scheme, netloc=endpoint.netloc))
        return url

    def _download(self, url: str) -> bytes:
        local = is_loopback(urlsplit(url).hostname or "")
        content = bytearray()
        try:
            with httpx.stream("GET", url, timeout=60, follow_redirects=True, trust_env=not local) as response:
                response.raise_for_status()
                for chunk in response.iter_bytes():
                    content.extend(chunk)
                    if len(content) > _MAX_CONFIG_BYTES:
                        raise CliError(f"An image's configuration in {self.subject} is larger than 8 MiB: it is none.")
        except httpx.HTTPStatusError as error:
            status = error.response.status_code
            raise CliError(
                f"An image's configuration in {self.subject} can't be downloaded (HTTP {status}). Run this again; if "
                "it lasts, push the image again."
            ) from error
        except httpx.HTTPError as error:
            raise CliError(
                f"An image's configuration in {self.subject} can't be downloaded: {error}. Check the network and "
                "proxies in the environment: ECR serves it from S3."
            ) from error
        return bytes(content)


def open_repository(root: Path, stack: StackFile, image: ImageReference) -> Repository:
    """The repository of an image of a stack.

    Raises:
        CliError: the stack is the local one and no sandbox runs, or no credentials or no region are known.
    """
    region = image.region or stack.region
    return Repository(ecr_client(root, stack.name, region), image.repository, account=image.account)


def ecr_client(root: Path, stack: str, region: str) -> Any:
    """An ECR client: the sandbox's for the local stack, else by what the environment says.

    Raises:
        CliError: no sandbox runs, or profile or region are not known.
    """
    session: dict[str, str] = {"region_name": region} if region else {}
    options: dict[str, Any] = {"config": _CONFIG}
    if stack == LOCAL_STACK:
        running = process.status(state_folder(root))
        if running is not None:
            session = {
                "region_name": running.region,
                "aws_access_key_id": ACCESS_KEY,
                "aws_secret_access_key": ACCESS_KEY,
            }
            # Proxies of the environment can't reach this machine.
            local: Any = cast("Any", _CONFIG).merge(Config(proxies={}))
            options = {"endpoint_url": running.endpoint_url, "config": local}
        elif not {"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_ECR"} & os.environ.keys():
            raise CliError("Nothing runs in the sandbox, so it has no images. Start it: make up")
    try:
        return cast("Any", boto3).Session(**session).client("ecr", **options)
    except (BotoCoreError, ValueError) as error:
        if isinstance(error, BotoCoreError):
            raise explain(error, "GetAuthorizationToken", f"stack {stack!r}") from error
        raise CliError(f"AWS_ENDPOINT_URL is no address of a server: {error}") from error

"""ECR's images, layers and scans answer what AWS answers, down to the codes that `slipway promote` goes by."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.context import Clients
from tests import patient
from tests.sandbox.conftest import Create

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"


def sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def refused(call: Callable[..., Any], **arguments: Any) -> tuple[str, str]:
    """Code and message of a call that must fail."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def upload(ecr: Any, repository: str, content: bytes, *, part: int = 0) -> str:
    place = {"repositoryName": repository}
    place["uploadId"] = ecr.initiate_layer_upload(**place)["uploadId"]
    for first in range(0, len(content), part or len(content)):
        blob = content[first : first + (part or len(content))]
        last = first + len(blob) - 1
        done = ecr.upload_layer_part(**place, partFirstByte=first, partLastByte=last, layerPartBlob=blob)
        assert done["lastByteReceived"] == last
    return ecr.complete_layer_upload(**place, layerDigests=[sha256(content)])["layerDigest"]


def manifest_of(config: bytes, *, layer_bytes: int = 0, **more: Any) -> str:
    layer = {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": sha256(b"l"), "size": layer_bytes}
    return json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, "digest": sha256(config), "size": len(config)},
            "layers": [layer],
            **more,
        }
    )


@pytest.fixture
def ecr(client: Clients) -> Any:
    return client("ecr")


@pytest.fixture
def repository(create: Create, unique: str) -> str:
    create("aws:ecr/repository:Repository", name=unique, imageTagMutability="IMMUTABLE")
    return unique


def test_a_layer_is_sent_in_parts_and_served_again(ecr: Any, repository: str) -> None:
    content = b"some configuration" * 9
    assert upload(ecr, repository, content, part=50) == sha256(content)
    url = ecr.get_download_url_for_layer(repositoryName=repository, layerDigest=sha256(content))["downloadUrl"]
    assert patient.get(url).content == content
    known = ecr.batch_check_layer_availability(repositoryName=repository, layerDigests=[sha256(content), sha256(b"x")])
    (layer,), (failure,) = known["layers"], known["failures"]
    assert (layer["layerAvailability"], layer["layerSize"]) == ("AVAILABLE", len(content))
    assert (failure["layerDigest"], failure["failureCode"]) == (sha256(b"x"), "MissingLayerDigest")


def test_a_layer_that_is_not_what_it_claims_is_refused(ecr: Any, repository: str) -> None:
    place = {"repositoryName": repository}
    absent = {**place, "uploadId": "0b0e6f2e-0000-4000-8000-000000000000", "layerDigests": [sha256(b"x")]}
    assert refused(ecr.complete_layer_upload, **absent)[0] == "UploadNotFoundException"
    place["uploadId"] = ecr.initiate_layer_upload(**place)["uploadId"]
    assert refused(ecr.complete_layer_upload, **place, layerDigests=[sha256(b"")])[0] == "EmptyUploadException"
    gap = {"partFirstByte": 1, "partLastByte": 1, "layerPartBlob": b"y"}
    assert refused(ecr.upload_layer_part, **place, **gap)[0] == "InvalidLayerPartException"
    ecr.upload_layer_part(**place, partFirstByte=0, partLastByte=0, layerPartBlob=b"y")
    assert refused(ecr.complete_layer_upload, **place, layerDigests=[sha256(b"x")])[0] == "InvalidLayerException"


def test_a_layer_that_is_not_there_has_no_address(ecr: Any, repository: str) -> None:
    code, message = refused(ecr.get_download_url_for_layer, repositoryName=repository, layerDigest=sha256(b"gone"))
    assert (code, sha256(b"gone") in message) == ("LayersNotFoundException", True)


def test_an_image_gets_further_tags_by_its_manifest_alone(ecr: Any, repository: str) -> None:
    manifest = manifest_of(b"{}")
    put = {"repositoryName": repository, "imageManifest": manifest}
    digest = ecr.put_image(**put, imageTag="one")["image"]["imageId"]["imageDigest"]
    ecr.put_image(**put, imageTag="release-1", imageDigest=digest)
    assert digest == sha256(manifest.encode())
    (image,) = ecr.describe_images(repositoryName=repository)["imageDetails"]
    assert image["imageTags"] == ["one", "release-1"]
    code, message = refused(ecr.put_image, **put, imageTag="release-1")
    assert code == "ImageAlreadyExistsException"
    assert f"digest '{digest}' and tag 'release-1' already exists" in message
    assert refused(ecr.put_image, **put)[0] == "ImageAlreadyExistsException"
    other = {**put, "imageManifest": manifest_of(b"{ }")}
    code, message = refused(ecr.put_image, **other, imageTag="release-1")
    assert (code, "'release-1' already exists" in message) == ("ImageTagAlreadyExistsException", True)
    code, message = refused(ecr.put_image, **other, imageTag="new", imageDigest=digest)
    assert (code, sha256(other["imageManifest"].encode()) in message) == ("ImageDigestDoesNotMatchException", True)
    assert refused(ecr.put_image, **{**put, "imageManifest": "x" * 4_194_305})[0] == "InvalidParameterException"


def test_an_image_that_the_api_stored_is_pulled_by_its_digest(ecr: Any, repository: str) -> None:
    manifest = manifest_of(b"{}")
    digest = ecr.put_image(repositoryName=repository, imageManifest=manifest)["image"]["imageId"]["imageDigest"]
    pulled = patient.get(f"{ecr.meta.endpoint_url}/v2/{repository}/manifests/{digest}")
    assert (pulled.text, pulled.headers["content-type"]) == (manifest, MANIFEST)


def test_an_image_is_read_by_digest_or_tag_in_a_form_that_the_caller_takes(ecr: Any, repository: str) -> None:
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": []})
    digest = ecr.put_image(repositoryName=repository, imageManifest=index, imageTag="all")["image"]["imageId"][
        "imageDigest"
    ]

    def get(*image_ids: dict[str, str], accepted: list[str] | None = None) -> Any:
        more = {"acceptedMediaTypes": accepted} if accepted else {}
        return ecr.batch_get_image(repositoryName=repository, imageIds=list(image_ids), **more)

    by_digest = get({"imageDigest": digest}, accepted=[MANIFEST, INDEX])["images"]
    assert by_digest[0]["imageId"] == {"imageDigest": digest}
    assert (by_digest[0]["imageManifest"], by_digest[0]["imageManifestMediaType"]) == (index, INDEX)
    assert get({"imageTag": "all"})["images"][0]["imageId"] == {"imageDigest": digest, "imageTag": "all"}
    assert get({"imageDigest": digest}, accepted=[MANIFEST])["failures"][0]["failureCode"] == "ImageNotFound"
    failures = get({"imageTag": "none"}, {"imageDigest": sha256(b"x"), "imageTag": "all"}, {})["failures"]
    codes = [failure["failureCode"] for failure in failures]
    assert codes == ["ImageNotFound", "ImageTagDoesNotMatchDigest", "MissingDigestAndTag"]


def test_images_are_listed_with_their_sizes_in_pages(ecr: Any, repository: str) -> None:
    for number in range(3):
        manifest = manifest_of(b"{}" + b" " * number, layer_bytes=1000)
        tag = {"imageTag": f"t{number}"} if number else {}
        ecr.put_image(repositoryName=repository, imageManifest=manifest, **tag)
    pages = ecr.get_paginator("describe_images").paginate(
        repositoryName=repository, PaginationConfig={"PageSize": 2, "MaxItems": 10}
    )
    sizes = [len(page["imageDetails"]) for page in pages]
    images = ecr.describe_images(repositoryName=repository)["imageDetails"]
    assert sizes == [2, 1]
    assert [image["imageSizeInBytes"] for image in images] == [1002, 1003, 1004]
    assert [image.get("imageTags") for image in images] == [None, ["t1"], ["t2"]]
    assert {image["artifactMediaType"] for image in images} == {CONFIG}
    assert {image["imageManifestMediaType"] for image in images} == {MANIFEST}
    only = ecr.describe_images(repositoryName=repository, filter={"tagStatus": "UNTAGGED"})["imageDetails"]
    assert [image["imageDigest"] for image in only] == [images[0]["imageDigest"]]
    code, message = refused(ecr.describe_images, repositoryName=repository, imageIds=[{"imageTag": "none"}])
    assert (code, "imageTag:'none'" in message) == ("ImageNotFoundException", True)


def test_each_tag_is_listed_and_goes_alone_until_the_last_takes_the_image(ecr: Any, repository: str) -> None:
    put = {"repositoryName": repository, "imageManifest": manifest_of(b"{}")}
    digest = ecr.put_image(**put, imageTag="one")["image"]["imageId"]["imageDigest"]
    ecr.put_image(**put, imageTag="two")
    bare = ecr.put_image(repositoryName=repository, imageManifest=manifest_of(b"{ }"))["image"]["imageId"]
    tagged = [{"imageDigest": digest, "imageTag": tag} for tag in ("one", "two")]

    def listed(status: str = "ANY") -> Any:
        return ecr.list_images(repositoryName=repository, filter={"tagStatus": status})["imageIds"]

    assert (listed(), listed("TAGGED"), listed("UNTAGGED")) == ([*tagged, bare], tagged, [bare])
    pages = ecr.get_paginator("list_images").paginate(repositoryName=repository, PaginationConfig={"PageSize": 2})
    assert [len(page["imageIds"]) for page in pages] == [2, 1]

    def delete(**image_id: str) -> Any:
        return ecr.batch_delete_image(repositoryName=repository, imageIds=[image_id])

    assert delete(imageTag="one")["imageIds"] == tagged[:1]
    assert listed("TAGGED") == tagged[1:]
    assert delete(imageTag="one")["failures"][0]["failureCode"] == "ImageNotFound"
    assert delete(imageTag="two")["imageIds"] == tagged[1:]
    assert listed() == [bare]
    pulled = patient.get(f"{ecr.meta.endpoint_url}/v2/{repository}/manifests/{digest}")
    assert pulled.status_code == 404
    ecr.put_image(**put, imageTag="one")
    ecr.put_image(**put, imageTag="two")
    assert delete(imageDigest=digest)["imageIds"] == tagged
    assert delete(**bare)["imageIds"] == [bare]
    assert listed() == []


def test_nothing_is_known_of_a_repository_that_is_not_there(ecr: Any, unique: str) -> None:
    image_id = {"imageDigest": sha256(b"x")}
    name = {"repositoryName": unique}
    for call, arguments in (
        (ecr.batch_get_image, {"imageIds": [image_id]}),
        (ecr.describe_images, {}),
        (ecr.list_images, {}),
        (ecr.batch_delete_image, {"imageIds": [image_id]}),
        (ecr.describe_image_scan_findings, {"imageId": image_id}),
        (ecr.start_image_scan, {"imageId": image_id}),
        (ecr.put_image, {"imageManifest": "{}"}),
        (ecr.get_download_url_for_layer, {"layerDigest": sha256(b"x")}),
        (ecr.batch_check_layer_availability, {"layerDigests": [sha256(b"x")]}),
        (ecr.initiate_layer_upload, {}),
    ):
        assert refused(call, **name, **arguments)[0] == "RepositoryNotFoundException", call


def test_the_sandbox_scans_nothing_and_says_so(ecr: Any, repository: str) -> None:
    digest = ecr.put_image(repositoryName=repository, imageManifest=manifest_of(b"{}"))["image"]["imageId"][
        "imageDigest"
    ]
    image = {"repositoryName": repository, "imageId": {"imageDigest": digest}}
    code, message = refused(ecr.describe_image_scan_findings, **image)
    assert (code, digest in message) == ("ScanNotFoundException", True)
    assert ecr.start_image_scan(**image)["imageId"] == {"imageDigest": digest}
    found = ecr.describe_image_scan_findings(**image)
    assert found["imageScanStatus"]["status"] == "UNSUPPORTED_IMAGE"
    assert "has no scanner" in found["imageScanStatus"]["description"]
    assert "imageScanFindings" not in found
    absent = {**image, "imageId": {"imageDigest": sha256(b"x")}}
    assert refused(ecr.describe_image_scan_findings, **absent)[0] == "ImageNotFoundException"
    assert refused(ecr.start_image_scan, **absent)[0] == "ImageNotFoundException"


def test_a_repository_that_scans_on_push_has_looked_at_nothing_either(ecr: Any, create: Create, unique: str) -> None:
    create("aws:ecr/repository:Repository", name=unique, imageScanningConfiguration={"scanOnPush": True})
    digest = ecr.put_image(repositoryName=unique, imageManifest=manifest_of(b"{}"))["image"]["imageId"]["imageDigest"]
    found = ecr.describe_image_scan_findings(repositoryName=unique, imageId={"imageDigest": digest})
    assert found["imageScanStatus"]["status"] == "UNSUPPORTED_IMAGE"

"""CloudFront distributions and what they refer to."""

import uuid
from collections.abc import Mapping
from typing import Any, Final, cast

from sandbox.context import Context, Inputs, Outputs, pascal_keys, tag_list

_HOSTED_ZONE: Final = "Z2FDTNDATAQYW2"
"""Route 53's zone of every distribution."""
_LISTS: Final = {
    "Origins": "Origins",
    "Aliases": "Aliases",
    "CustomErrorResponses": "CustomErrorResponses",
    "OrderedCacheBehaviors": "CacheBehaviors",
}
_SPELLINGS: Final = {"IsIpv6Enabled": "IsIPV6Enabled", "S3OriginConfig": "S3OriginConfig", "OriginId": "Id"}


def origin_access_control(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:cloudfront/originAccessControl:OriginAccessControl`."""
    name: str = inputs.get("name") or inputs.name
    configuration = inputs.pascal(
        ["description", "signingBehavior", "signingProtocol"],
        originAccessControlOriginType="OriginAccessControlOriginType",
    )
    answer = context.client("cloudfront").create_origin_access_control(
        OriginAccessControlConfig={"Name": name, **configuration}
    )
    identifier = answer["OriginAccessControl"]["Id"]
    return identifier, {
        "name": name,
        "etag": answer["ETag"],
        "arn": context.arn("cloudfront", f"origin-access-control/{identifier}", region=""),
    }


def response_headers_policy(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy`."""
    name: str = inputs.get("name") or inputs.name
    configuration: dict[str, Any] = {"Name": name, "Comment": inputs.get("comment", "")}
    for key in ("securityHeadersConfig", "corsConfig", "serverTimingHeadersConfig"):
        value = inputs.get(key)
        if value:
            configuration[key[0].upper() + key[1:]] = _security(pascal_keys(value))
    for key in ("customHeadersConfig", "removeHeadersConfig"):
        value = inputs.get(key)
        if value:
            configuration[key[0].upper() + key[1:]] = _counted(pascal_keys(value["items"]))
    answer = context.client("cloudfront").create_response_headers_policy(ResponseHeadersPolicyConfig=configuration)
    identifier = answer["ResponseHeadersPolicy"]["Id"]
    return identifier, {
        "name": name,
        "etag": answer["ETag"],
        "arn": context.arn("cloudfront", f"response-headers-policy/{identifier}", region=""),
    }


def distribution(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:cloudfront/distribution:Distribution`. Its domain name carries the sandbox's port."""
    inputs.accept(["retainOnDelete", "waitForDeployment"])
    properties = ["comment", "defaultRootObject", "enabled", "httpVersion", "priceClass", "isIpv6Enabled", "staging"]
    nested = ["defaultCacheBehavior", "restrictions", "viewerCertificate"]
    lists = ["origins", "aliases", "customErrorResponses", "orderedCacheBehaviors"]
    configuration = _distribution_config(pascal_keys(inputs.camel([*properties, *nested, *lists])))
    configuration["CallerReference"] = uuid.uuid4().hex
    configuration.setdefault("Comment", "")
    tags: dict[str, str] = inputs.get("tags", {})
    answer = context.client("cloudfront").create_distribution_with_tags(
        DistributionConfigWithTags={"DistributionConfig": configuration, "Tags": {"Items": tag_list(tags)}}
    )
    created = answer["Distribution"]
    label = created["DomainName"].partition(".")[0]
    port = context.address.rpartition(":")[2]
    return created["Id"], {
        "arn": created["ARN"],
        "domainName": f"{label}.cloudfront.localhost:{port}",
        "etag": answer["ETag"],
        "hostedZoneId": _HOSTED_ZONE,
        "status": created["Status"],
        "callerReference": configuration["CallerReference"],
        "tagsAll": tags,
    }


def _distribution_config(value: dict[str, Any]) -> dict[str, Any]:
    configuration = {_SPELLINGS.get(key, key): item for key, item in value.items()}
    for name, parameter in _LISTS.items():
        if name in configuration:
            configuration[parameter] = _counted([_part(item) for item in configuration.pop(name)])
    configuration["DefaultCacheBehavior"] = _part(configuration["DefaultCacheBehavior"])
    certificate: dict[str, Any] = configuration.get("ViewerCertificate", {})
    for name, parameter in (("CloudfrontDefaultCertificate", "CloudFrontDefaultCertificate"),):
        if name in certificate:
            certificate[parameter] = certificate.pop(name)
    geo: dict[str, Any] = configuration.get("Restrictions", {}).get("GeoRestriction", {})
    if geo:
        geo |= _counted(geo.pop("Locations", []))
    return configuration


def _part(item: Any) -> Any:
    """One origin, cache behavior or error response."""
    if not isinstance(item, Mapping):
        return item
    part = {_SPELLINGS.get(key, key): value for key, value in cast("Mapping[str, Any]", item).items()}
    methods = part.get("AllowedMethods")
    if methods is not None:
        part["AllowedMethods"] = {**_counted(methods), "CachedMethods": _counted(part.pop("CachedMethods"))}
    if "ResponseCode" in part:
        part["ResponseCode"] = str(part["ResponseCode"])
        part["ErrorCachingMinTTL"] = part.pop("ErrorCachingMinTtl", 10)
    if "OriginAccessControlId" in part:
        part.setdefault("S3OriginConfig", {"OriginAccessIdentity": ""})
    associations = part.pop("FunctionAssociations", None)
    if associations is not None:
        part["FunctionAssociations"] = _counted(
            [{_FUNCTION.get(key, key): value for key, value in entry.items()} for entry in associations]
        )
    return part


def _security(value: dict[str, Any]) -> dict[str, Any]:
    if "XssProtection" in value:
        value["XSSProtection"] = value.pop("XssProtection")
    return value


def _counted(items: list[Any]) -> dict[str, Any]:
    return {"Quantity": len(items), "Items": items}


_FUNCTION: Final = {"FunctionArn": "FunctionARN"}

CREATORS: Final = {
    "aws:cloudfront/originAccessControl:OriginAccessControl": origin_access_control,
    "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": response_headers_policy,
    "aws:cloudfront/distribution:Distribution": distribution,
}

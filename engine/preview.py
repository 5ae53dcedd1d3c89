"""A provider that creates nothing: what a first `pulumi preview` would show."""

from collections.abc import Mapping
from typing import Any

from engine.errors import EngineError
from engine.registration import Registration


class PreviewProvider:
    """Outputs are the known inputs; all else, the id included, stays unknown until a deployment.

    Args:
        region: AWS region, for the answers that follow from it alone.
        placeholders: answer ARNs, image digests, repository URLs, revisions and ids of API keys with placeholders. A
            job definition, an IAM policy and the function's list of consumers are one JSON text each with such values
            inside: unknown as a whole, nothing of it could be judged.
    """

    def __init__(self, region: str, *, placeholders: bool = False) -> None:
        self._region = region
        self._placeholders = placeholders

    def create(self, registration: Registration) -> tuple[str, Mapping[str, Any]]:
        if not self._placeholders:
            return "", registration.inputs
        name = registration.name if registration.type == "aws:apigateway/apiKey:ApiKey" else ""
        return name, {**registration.inputs, **_placeholders(registration, self._region)}

    def invoke(self, token: str, args: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answers that need no account. What AWS alone can tell is `UNKNOWN` here and known in a real preview.

        Raises:
            EngineError: the program calls a function that has no offline answer.
        """
        answer = _ANSWERS.get(token)
        if answer is None:
            raise EngineError(f"The offline preview has no answer for the provider function {token}.")
        return answer(args.get("region") or self._region, args)


PLACEHOLDER_DIGEST = "sha256:" + "0" * 64
"""The digest of an image that isn't built yet; no image has it."""
PLACEHOLDER_ACCOUNT = "000000000000"


_ARNS = {
    "aws:batch/computeEnvironment:ComputeEnvironment": "arn:aws:batch:{region}:{account}:compute-environment/{name}",
    "aws:batch/jobDefinition:JobDefinition": "arn:aws:batch:{region}:{account}:job-definition/{name}",
    "aws:batch/jobQueue:JobQueue": "arn:aws:batch:{region}:{account}:job-queue/{name}",
    "aws:cloudfront/distribution:Distribution": "arn:aws:cloudfront::{account}:distribution/{name}",
    "aws:cloudwatch/eventRule:EventRule": "arn:aws:events:{region}:{account}:rule/{name}",
    "aws:cloudwatch/logGroup:LogGroup": "arn:aws:logs:{region}:{account}:log-group:{name}",
    "aws:cloudwatch/metricAlarm:MetricAlarm": "arn:aws:cloudwatch:{region}:{account}:alarm:{name}",
    "aws:dynamodb/table:Table": "arn:aws:dynamodb:{region}:{account}:table/{name}",
    "aws:ecr/repository:Repository": "arn:aws:ecr:{region}:{account}:repository/{name}",
    "aws:ecs/cluster:Cluster": "arn:aws:ecs:{region}:{account}:cluster/{name}",
    "aws:iam/role:Role": "arn:aws:iam::{account}:role/{name}",
    "aws:lambda/function:Function": "arn:aws:lambda:{region}:{account}:function:{name}",
    "aws:s3/bucket:Bucket": "arn:aws:s3:::{name}",
}
"""Forms of ARNs [AWS Service Authorization Reference]; of other types no document is made."""


def _placeholders(registration: Registration, region: str) -> dict[str, Any]:
    """What AWS would answer, as far as documents are made of it: ARNs, an image's digest, a repository's URL."""
    package, _, rest = registration.type.partition(":")
    if registration.type == "docker-build:index:Image":
        return {"digest": PLACEHOLDER_DIGEST}
    if package != "aws":
        return {}
    inputs = registration.inputs
    name = next((inputs[key] for key in ("name", "bucket") if isinstance(inputs.get(key), str)), registration.name)
    form = _ARNS.get(registration.type, f"arn:aws:{rest.partition('/')[0]}:{{region}}:{{account}}:{{name}}")
    arn = form.format(region=region, account=PLACEHOLDER_ACCOUNT, name=name)
    answers: dict[str, Any] = {"arn": arn, "arnPrefix": arn}
    if registration.type == "aws:batch/jobDefinition:JobDefinition":
        answers["revision"] = 1
    if registration.type == "aws:ecr/repository:Repository":
        answers["registryId"] = PLACEHOLDER_ACCOUNT
        answers["repositoryUrl"] = f"{PLACEHOLDER_ACCOUNT}.dkr.ecr.{region}.amazonaws.com/{name}"
    if registration.type == "aws:apigateway/restApi:RestApi":
        answers["executionArn"] = f"arn:aws:execute-api:{region}:{PLACEHOLDER_ACCOUNT}:{name}"
    return answers


def _availability_zones(region: str, _args: Mapping[str, Any]) -> Mapping[str, Any]:
    names = [f"{region}{letter}" for letter in "abc"]
    return {"id": region, "names": names, "zoneIds": names, "groupNames": [region], "region": region}


def _region(region: str, _args: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"id": region, "name": region, "region": region, "endpoint": f"ec2.{region}.amazonaws.com"}


def _default_vpc(region: str, _args: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"id": "vpc-known-by-aws", "default": True, "region": region}


def _subnets(region: str, _args: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"id": region, "ids": ["subnet-known-by-aws"], "region": region}


def _subnet(region: str, args: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"id": args.get("id"), "vpcId": "vpc-known-by-aws", "region": region}


def _security_group(region: str, _args: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"id": "sg-known-by-aws", "name": "default", "region": region}


def _caller_identity(_region: str, _args: Mapping[str, Any]) -> Mapping[str, Any]:
    arn = f"arn:aws:iam::{PLACEHOLDER_ACCOUNT}:root"
    return {"id": PLACEHOLDER_ACCOUNT, "accountId": PLACEHOLDER_ACCOUNT, "arn": arn, "userId": PLACEHOLDER_ACCOUNT}


def _repository(region: str, args: Mapping[str, Any]) -> Mapping[str, Any]:
    account, name = args.get("registryId") or PLACEHOLDER_ACCOUNT, args["name"]
    return {
        "id": name,
        "name": name,
        "arn": f"arn:aws:ecr:{region}:{account}:repository/{name}",
        "registryId": account,
        "repositoryUrl": f"{account}.dkr.ecr.{region}.amazonaws.com/{name}",
        "region": region,
    }


def _authorization_token(region: str, _args: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"id": region, "userName": "AWS", "password": "known-by-aws", "region": region}


_ANSWERS = {
    "aws:ecr/getAuthorizationToken:getAuthorizationToken": _authorization_token,
    "aws:ecr/getRepository:getRepository": _repository,
    "aws:index/getCallerIdentity:getCallerIdentity": _caller_identity,
    "aws:index/getAvailabilityZones:getAvailabilityZones": _availability_zones,
    "aws:index/getRegion:getRegion": _region,
    "aws:ec2/getVpc:getVpc": _default_vpc,
    "aws:ec2/getSubnet:getSubnet": _subnet,
    "aws:ec2/getSubnets:getSubnets": _subnets,
    "aws:ec2/getSecurityGroup:getSecurityGroup": _security_group,
}

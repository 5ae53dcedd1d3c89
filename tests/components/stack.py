"""A provider that answers as AWS would, and what the tests of this folder share."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from components.settings import Settings
from engine.preview import PreviewProvider
from engine.program import Deployment, Registration

ROOT = Path(__file__).parents[2]
REGION = "eu-central-1"
ACCOUNT = "123456789012"
OTHER_ACCOUNT = "222222222222"
DIGEST = f"sha256:{'0123456789abcdef' * 4}"
IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/shared/wordcount@{DIGEST}"
WORDCOUNT = {"context": "pipelines/wordcount"}

SCHEMA = {
    "$schema": "http://json-schema.org/draft-04/schema#",
    "type": "object",
    "properties": {"n": {"type": "integer"}},
}

Run = Callable[..., Deployment]
Parse = Callable[..., Settings]
Problems = Callable[..., tuple[str, ...]]


class FakeAws:
    """Answers ids, ARNs and addresses in AWS's own forms."""

    def create(self, registration: Registration) -> tuple[str, dict[str, Any]]:
        inputs = registration.inputs
        service = registration.type.split(":")[1].split("/")[0]
        name = inputs.get("name") or inputs.get("bucket") or registration.name
        outputs = {"arn": f"arn:aws:{service}:{REGION}:{ACCOUNT}:{name}", **inputs}
        match registration.type:
            case "aws:ecr/repository:Repository":
                outputs["arn"] = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{name}"
                outputs["registryId"] = ACCOUNT
                outputs["repositoryUrl"] = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{name}"
            case "docker-build:index:Image":
                outputs["digest"] = DIGEST
            case "aws:batch/jobQueue:JobQueue":
                outputs["arn"] = f"arn:aws:batch:{REGION}:{ACCOUNT}:job-queue/{name}"
            case "aws:batch/jobDefinition:JobDefinition":
                outputs["arnPrefix"] = f"arn:aws:batch:{REGION}:{ACCOUNT}:job-definition/{name}"
                outputs["revision"] = 7
            case "aws:cloudwatch/logGroup:LogGroup":
                outputs["arn"] = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}"
            case "aws:cloudwatch/eventRule:EventRule":
                outputs["arn"] = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{name}"
            case "aws:cloudwatch/metricAlarm:MetricAlarm":
                outputs["arn"] = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}"
            case "aws:ecs/cluster:Cluster":
                outputs["arn"] = f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/{name}"
            case "aws:ecs/taskDefinition:TaskDefinition":
                outputs["arn"] = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/{inputs['family']}:7"
            case "aws:sqs/queue:Queue":
                outputs["url"] = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}"
            case "aws:iam/role:Role":
                outputs["arn"] = f"arn:aws:iam::{ACCOUNT}:role/{name}"
            case "aws:dynamodb/table:Table":
                outputs["arn"] = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"
            case "aws:s3/bucket:Bucket":
                outputs["arn"] = f"arn:aws:s3:::{name}"
                outputs["bucketRegionalDomainName"] = f"{name}.s3.{REGION}.amazonaws.com"
                return name, outputs
            case "aws:s3/bucketWebsiteConfiguration:BucketWebsiteConfiguration":
                outputs["websiteEndpoint"] = f"{inputs['bucket']}.s3-website.{REGION}.amazonaws.com"
            case "aws:lambda/function:Function":
                outputs["invokeArn"] = f"arn:aws:apigateway:{REGION}:lambda:path/functions/{name}/invocations"
                outputs["version"] = "7" if inputs["publish"] else "$LATEST"
            case "aws:lambda/alias:Alias":
                outputs["arn"] = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{inputs['functionName']}:{name}"
            case "aws:apigateway/restApi:RestApi":
                outputs |= {"rootResourceId": "root", "executionArn": f"arn:aws:execute-api:{REGION}:{ACCOUNT}:api"}
                return "api", outputs
            case "aws:apigateway/stage:Stage":
                outputs["invokeUrl"] = f"https://api.execute-api.{REGION}.amazonaws.com/{inputs['stageName']}"
            case "aws:apigateway/apiKey:ApiKey":
                outputs["value"] = f"value-of-{name}"
            case "aws:cloudfront/distribution:Distribution":
                outputs["domainName"] = "d111111abcdef8.cloudfront.net"
            case _:
                pass
        return f"id-of-{registration.name}", outputs

    def invoke(self, token: str, args: Mapping[str, Any]) -> Mapping[str, Any]:
        if token == "aws:ecr/getAuthorizationToken:getAuthorizationToken":
            assert set(args) == {"registryId"}
            assert args["registryId"] in (ACCOUNT, OTHER_ACCOUNT)
            return {"userName": "AWS", "password": "short-lived", "authorizationToken": "x", "id": "x"}
        if token == "aws:index/getCallerIdentity:getCallerIdentity":
            return {"accountId": ACCOUNT, "id": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:root", "userId": ACCOUNT}
        if token == "aws:ecr/getRepository:getRepository":
            args = {"registryId": ACCOUNT, **args}
        return PreviewProvider(REGION).invoke(token, args)

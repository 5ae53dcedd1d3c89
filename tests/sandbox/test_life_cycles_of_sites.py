"""What an update and a destroy of the real provider ask of API Gateway and CloudFront; see `test_life_cycles`."""

from typing import Any

import pytest

from sandbox.context import Clients
from tests.sandbox.conftest import OTHER_LIST, OTHER_TAGS, TAGS, Create, refused


def patch(path: str, value: str | None = None, operation: str = "replace") -> dict[str, str]:
    return {"op": operation, "path": path} | ({} if value is None else {"value": value})


@pytest.fixture
def api(create: Create, unique: str) -> Any:
    return create("aws:apigateway/restApi:RestApi", name=unique, description="first", tags=TAGS)


def test_an_api_is_changed(api: Any, client: Clients, unique: str) -> None:
    gateway = client("apigateway")
    operations = [patch("/name", f"{unique}-b"), patch("/description", "second")]
    gateway.update_rest_api(restApiId=api.id, patchOperations=operations)
    gateway.tag_resource(resourceArn=api["arn"], tags=OTHER_TAGS)
    gateway.untag_resource(resourceArn=api["arn"], tagKeys=["Project"])
    read = gateway.get_rest_api(restApiId=api.id)
    assert (read["name"], read["description"], read["tags"]) == (f"{unique}-b", "second", OTHER_TAGS)


def test_the_parts_of_an_api_are_changed(create: Create, api: Any, client: Clients) -> None:
    gateway = client("apigateway")
    resource = create(
        "aws:apigateway/resource:Resource", restApi=api.id, parentId=api["rootResourceId"], pathPart="jobs"
    )
    create("aws:apigateway/model:Model", restApi=api.id, name="Job", contentType="application/json", schema="{}")
    gateway.update_model(
        restApiId=api.id,
        modelName="Job",
        patchOperations=[patch("/schema", '{"type":"object"}'), patch("/description", "a job")],
    )
    read = gateway.get_model(restApiId=api.id, modelName="Job")
    assert (read["schema"], read["description"]) == ('{"type":"object"}', "a job")
    gateway.update_resource(restApiId=api.id, resourceId=resource.id, patchOperations=[patch("/pathPart", "runs")])
    read = gateway.get_resource(restApiId=api.id, resourceId=resource.id)
    assert (read["pathPart"], read["path"]) == ("runs", "/runs")
    at = {"restApiId": api.id, "resourceId": resource.id, "httpMethod": "POST"}
    gateway.put_method(**at, authorizationType="NONE", requestModels={"application/json": "Job"})
    operations = [
        patch("/requestModels/application~1json", operation="remove"),
        patch("/requestModels/text~1plain", "Job", "add"),
        patch("/requestParameters/method.request.header.Idempotency-Key", "false", "add"),
        patch("/operationName", "startJob"),
    ]
    gateway.update_method(**at, patchOperations=operations)
    read = gateway.get_method(**at)
    assert (read["requestModels"], read["operationName"]) == ({"text/plain": "Job"}, "startJob")
    assert read["requestParameters"] == {"method.request.header.Idempotency-Key": False}
    gateway.put_integration(
        **at, type="AWS_PROXY", integrationHttpMethod="POST", uri="arn:aws:apigateway:a:lambda:path/a"
    )
    gateway.update_integration(**at, patchOperations=[patch("/uri", "arn:aws:apigateway:a:lambda:path/b")])
    assert gateway.get_integration(**at)["uri"] == "arn:aws:apigateway:a:lambda:path/b"
    status = {**at, "statusCode": "200"}
    header = "method.response.header.Access-Control-Allow-Origin"
    gateway.put_method_response(**status, responseParameters={})
    gateway.update_method_response(**status, patchOperations=[patch(f"/responseParameters/{header}", "false", "add")])
    assert gateway.get_method_response(**status)["responseParameters"] == {header: False}
    gateway.put_integration_response(**status, responseParameters={header: "'a'"})
    gateway.update_integration_response(**status, patchOperations=[patch(f"/responseParameters/{header}", "'b'")])
    assert gateway.get_integration_response(**status)["responseParameters"] == {header: "'b'"}


def test_stages_keys_and_plans_are_changed(create: Create, api: Any, client: Clients, unique: str) -> None:
    gateway = client("apigateway")
    first, second = (create("aws:apigateway/deployment:Deployment", restApi=api.id) for _ in range(2))
    stage = create("aws:apigateway/stage:Stage", restApi=api.id, stageName="default", deployment=first.id, tags=TAGS)
    of_stage = {"restApiId": api.id, "stageName": "default"}
    gateway.update_stage(**of_stage, patchOperations=[patch("/deploymentId", second.id)])
    gateway.tag_resource(resourceArn=stage["arn"], tags=OTHER_TAGS)
    gateway.untag_resource(resourceArn=stage["arn"], tagKeys=["Project"])
    read = gateway.get_stage(**of_stage)
    assert (read["deploymentId"], read["tags"]) == (second.id, OTHER_TAGS)
    gateway.delete_deployment(restApiId=api.id, deploymentId=first.id)
    assert refused(gateway.delete_deployment, restApiId=api.id, deploymentId=second.id) == "BadRequestException"
    key = create("aws:apigateway/apiKey:ApiKey", name=unique, tags=TAGS)
    gateway.update_api_key(
        apiKey=key.id, patchOperations=[patch("/description", "second"), patch("/name", f"{unique}-b")]
    )
    plan = create("aws:apigateway/usagePlan:UsagePlan", name=unique, tags=TAGS)
    gateway.update_usage_plan(usagePlanId=plan.id, patchOperations=[patch("/name", f"{unique}-b")])
    for made, get in ((key, gateway.get_api_key), (plan, gateway.get_usage_plan)):
        gateway.tag_resource(resourceArn=made["arn"], tags=OTHER_TAGS)
        gateway.untag_resource(resourceArn=made["arn"], tagKeys=["Project"])
        read = get(**({"apiKey": key.id} if made is key else {"usagePlanId": plan.id}))
        assert (read["name"], read["tags"]) == (f"{unique}-b", OTHER_TAGS)


def test_a_distribution_is_changed_disabled_and_deleted(
    create: Create, client: Clients, control: Any, unique: str
) -> None:
    cloudfront = client("cloudfront")
    bucket = create("aws:s3/bucket:Bucket", bucket=unique)
    headers = create(
        "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy",
        name=unique,
        securityHeadersConfig={"contentTypeOptions": {"override": True}},
    )
    made = create(
        "aws:cloudfront/distribution:Distribution",
        enabled=True,
        origins=[
            {"originId": "docs", "domainName": bucket["bucketRegionalDomainName"], "originAccessControlId": control.id}
        ],
        defaultCacheBehavior={
            "targetOriginId": "docs",
            "viewerProtocolPolicy": "redirect-to-https",
            "allowedMethods": ["GET", "HEAD"],
            "cachedMethods": ["GET", "HEAD"],
            "cachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6",
            "responseHeadersPolicyId": headers.id,
        },
        restrictions={"geoRestriction": {"restrictionType": "none"}},
        viewerCertificate={"cloudfrontDefaultCertificate": True},
        tags=TAGS,
    )

    def read() -> dict[str, Any]:
        return cloudfront.get_distribution(Id=made.id)

    found = read()
    assert found["Distribution"]["Status"] == "Deployed"
    config = found["Distribution"]["DistributionConfig"]
    answer = cloudfront.update_distribution(
        Id=made.id, IfMatch=found["ETag"], DistributionConfig={**config, "Comment": "second"}
    )
    assert read()["ETag"] == answer["ETag"] != found["ETag"]
    assert read()["Distribution"]["DistributionConfig"]["Comment"] == "second"
    stale = {"Id": made.id, "IfMatch": found["ETag"]}
    assert refused(cloudfront.update_distribution, **stale, DistributionConfig=config) == "PreconditionFailed"
    cloudfront.tag_resource(Resource=made["arn"], Tags={"Items": OTHER_LIST})
    cloudfront.untag_resource(Resource=made["arn"], TagKeys={"Items": ["Project"]})
    assert cloudfront.list_tags_for_resource(Resource=made["arn"])["Tags"]["Items"] == OTHER_LIST
    assert refused(cloudfront.delete_distribution, Id=made.id, IfMatch=read()["ETag"]) == "DistributionNotDisabled"
    config = read()["Distribution"]["DistributionConfig"]
    cloudfront.update_distribution(Id=made.id, IfMatch=read()["ETag"], DistributionConfig={**config, "Enabled": False})
    cloudfront.delete_distribution(Id=made.id, IfMatch=read()["ETag"])
    assert refused(cloudfront.get_distribution, Id=made.id) == "NoSuchDistribution"


def test_what_belongs_to_a_distribution_is_changed_and_deleted(
    create: Create, client: Clients, control: Any, unique: str
) -> None:
    cloudfront = client("cloudfront")
    found = cloudfront.get_origin_access_control(Id=control.id)
    config = found["OriginAccessControl"]["OriginAccessControlConfig"]
    cloudfront.update_origin_access_control(
        Id=control.id, IfMatch=found["ETag"], OriginAccessControlConfig={**config, "Description": "second"}
    )
    found = cloudfront.get_origin_access_control(Id=control.id)
    assert found["OriginAccessControl"]["OriginAccessControlConfig"]["Description"] == "second"
    cloudfront.delete_origin_access_control(Id=control.id, IfMatch=found["ETag"])
    assert refused(cloudfront.get_origin_access_control, Id=control.id) == "NoSuchOriginAccessControl"
    headers = create(
        "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy",
        name=unique,
        securityHeadersConfig={"contentTypeOptions": {"override": True}},
    )
    found = cloudfront.get_response_headers_policy(Id=headers.id)
    config = found["ResponseHeadersPolicy"]["ResponseHeadersPolicyConfig"]
    cloudfront.update_response_headers_policy(
        Id=headers.id, IfMatch=found["ETag"], ResponseHeadersPolicyConfig={**config, "Comment": "second"}
    )
    found = cloudfront.get_response_headers_policy(Id=headers.id)
    config = found["ResponseHeadersPolicy"]["ResponseHeadersPolicyConfig"]
    assert config.keys() == {"Name", "Comment", "SecurityHeadersConfig"}
    assert config["Comment"] == "second"
    cloudfront.delete_response_headers_policy(Id=headers.id, IfMatch=found["ETag"])
    assert refused(cloudfront.get_response_headers_policy, Id=headers.id) == "NoSuchResponseHeadersPolicy"

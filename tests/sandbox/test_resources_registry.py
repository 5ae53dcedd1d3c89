"""Registries, roles, log groups, tables, rules: read back as written, and gone when deleted."""

import hashlib
import json
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from engine.program import run_program
from sandbox.context import Clients
from sandbox.deploy import SandboxProvider
from sandbox.errors import DeploymentError
from tests import patient
from tests.sandbox.conftest import ACCOUNT, REGION, TAG_LIST, TAGS, Create, refused

ROOT = Path(__file__).parents[2]
STATEMENT = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::any/*"}
POLICY = {"Version": "2012-10-17", "Statement": [STATEMENT]}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def test_repository(create: Create, client: Clients, unique: str) -> None:
    ecr = client("ecr")
    name = f"{unique}/wordcount"
    repository = create(
        "aws:ecr/repository:Repository",
        name=name,
        imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
        imageTagMutabilityExclusionFilters=[{"filter": "buildcache*", "filterType": "WILDCARD"}],
        imageScanningConfiguration={"scanOnPush": True},
        encryptionConfigurations=[{"encryptionType": "AES256"}],
        forceDelete=True,
        tags=TAGS,
    )
    (read,) = ecr.describe_repositories(repositoryNames=[name])["repositories"]
    assert read["imageTagMutability"] == "IMMUTABLE_WITH_EXCLUSION"
    assert read["imageTagMutabilityExclusionFilters"] == [{"filter": "buildcache*", "filterType": "WILDCARD"}]
    assert read["imageScanningConfiguration"] == {"scanOnPush": True}
    assert read["encryptionConfiguration"] == {"encryptionType": "AES256"}
    assert (repository["arn"], repository["repositoryUrl"]) == (read["repositoryArn"], read["repositoryUri"])
    assert repository["repositoryUrl"] == f"{ecr.meta.endpoint_url.removeprefix('http://')}/{name}"
    assert ecr.list_tags_for_resource(resourceArn=repository["arn"])["tags"] == TAG_LIST
    ecr.delete_repository(repositoryName=name, force=True)
    assert refused(ecr.describe_repositories, repositoryNames=[name]) == "RepositoryNotFoundException"


def test_a_repository_is_looked_up_as_it_was_made(create: Create, provider: SandboxProvider, unique: str) -> None:
    repository = create("aws:ecr/repository:Repository", name=f"{unique}/job", imageTagMutability="IMMUTABLE")
    look_up = partial(provider.invoke, "aws:ecr/getRepository:getRepository")
    for registry in ({}, {"registryId": ACCOUNT}):
        found = look_up({"name": f"{unique}/job", **registry})
        assert {key: found[key] for key in ("arn", "repositoryUrl", "imageTagMutability")} == {
            "arn": repository["arn"],
            "repositoryUrl": repository["repositoryUrl"],
            "imageTagMutability": "IMMUTABLE",
        }
        assert found["registryId"] == ACCOUNT
    with pytest.raises(DeploymentError, match=f"no repository {unique}/other in the sandbox.*deployed first"):
        look_up({"name": f"{unique}/other"})


def test_stacks_share_the_repositories_of_another_stack(
    provider: SandboxProvider, client: Clients, tmp_path: Path, unique: str
) -> None:
    """The whole program, twice: the shared repositories, and a stack that builds into them."""
    for name in ("__main__.py", "components", "lambda_src", "pipelines", "swagger"):
        (tmp_path / name).symlink_to(ROOT / name)
    project = (ROOT / "Pulumi.yaml").read_text().replace("name: slipway", f"name: {unique}", 1)
    (tmp_path / "Pulumi.yaml").write_text(project)
    config = {"aws:region": REGION, "buildCache": False}
    shared = run_program(
        tmp_path, "shared", provider=provider, preview=False, config={**config, "repositories": ["wordcount"]}
    )
    (url,) = shared.exports["repositories"].values()
    name = url.partition("/")[2]
    (statement,) = json.loads(client("ecr").get_repository_policy(repositoryName=name)["policyText"])["Statement"]
    assert statement["Condition"]["ArnLike"]["aws:sourceArn"] == [
        f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{unique}-*"
    ]
    pipelines = {"wordcount": {"context": "pipelines/wordcount"}}
    dev = run_program(
        tmp_path,
        "dev",
        provider=provider,
        preview=False,
        config={**config, "registry": "shared", "pipelines": pipelines},
    )
    reference = dev.exports["pipelines"]["wordcount"]["imageReference"]
    assert reference.startswith(f"{url}@sha256:")
    (image,) = client("ecr").describe_images(repositoryName=name)["imageDetails"]
    assert reference == f"{url}@{image['imageDigest']}"


def test_an_image_is_pushed_to_this_machine_and_never_to_aws(create: Create, client: Clients, unique: str) -> None:
    repository = create("aws:ecr/repository:Repository", name=unique)
    address, _, name = repository["repositoryUrl"].partition("/")
    (token,) = client("ecr").get_authorization_token()["authorizationData"]
    assert token["proxyEndpoint"] == f"http://{address}"
    config, size = b"{}", 2
    digest = f"sha256:{hashlib.sha256(config).hexdigest()}"
    with httpx.Client(base_url=f"http://{address}/v2/{name}", timeout=patient.SECONDS) as registry:
        upload = registry.post("/blobs/uploads/").headers["location"]
        blob = registry.put(f"http://{address}{upload}", params={"digest": digest}, content=config)
        assert blob.status_code == 201
        media = "application/vnd.oci.image.{}.v1+json".format
        manifest = {
            "schemaVersion": 2,
            "mediaType": media("manifest"),
            "config": {"mediaType": media("config"), "digest": digest, "size": size},
            "layers": [],
        }
        pushed = registry.put("/manifests/one", json=manifest, headers={"content-type": media("manifest")})
        assert pushed.status_code == 201
    (image,) = client("ecr").describe_images(repositoryName=unique)["imageDetails"]
    assert image["imageDigest"] == pushed.headers["docker-content-digest"]
    assert image["imageTags"] == ["one"]


def test_only_excepted_tags_of_an_immutable_repository_move(create: Create, client: Clients, unique: str) -> None:
    create(
        "aws:ecr/repository:Repository",
        name=unique,
        imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
        imageTagMutabilityExclusionFilters=[{"filter": "cache*", "filterType": "WILDCARD"}],
    )
    ecr = client("ecr")

    def push(tag: str, content: int) -> dict[str, Any]:
        manifest = json.dumps({"schemaVersion": 2, "content": content})
        return {"repositoryName": unique, "imageTag": tag, "imageManifest": manifest}

    for content in (1, 2):
        ecr.put_image(**push("cache-arm64", content))
    ecr.put_image(**push("release", 1))
    assert refused(ecr.put_image, **push("release", 2)) == "ImageTagAlreadyExistsException"
    (repository,) = ecr.describe_repositories(repositoryNames=[unique])["repositories"]
    assert repository["imageTagMutability"] == "IMMUTABLE_WITH_EXCLUSION"
    ecr.put_image_tag_mutability(repositoryName=unique, imageTagMutability="IMMUTABLE")
    (repository,) = ecr.describe_repositories(repositoryNames=[unique])["repositories"]
    assert repository["imageTagMutability"] == "IMMUTABLE"
    assert "imageTagMutabilityExclusionFilters" not in repository
    assert refused(ecr.put_image, **push("cache-arm64", 3)) == "ImageTagAlreadyExistsException"


def test_repository_policies(create: Create, client: Clients, unique: str) -> None:
    ecr = client("ecr")
    create("aws:ecr/repository:Repository", name=unique)
    selection = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 1}
    lifecycle = {"rules": [{"rulePriority": 1, "selection": selection, "action": {"type": "expire"}}]}
    create("aws:ecr/lifecyclePolicy:LifecyclePolicy", repository=unique, policy=json.dumps(lifecycle))
    assert json.loads(ecr.get_lifecycle_policy(repositoryName=unique)["lifecyclePolicyText"]) == lifecycle
    ecr.delete_lifecycle_policy(repositoryName=unique)
    assert refused(ecr.get_lifecycle_policy, repositoryName=unique) == "LifecyclePolicyNotFoundException"
    statement = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": ["ecr:BatchGetImage"]}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    create("aws:ecr/repositoryPolicy:RepositoryPolicy", repository=unique, policy=json.dumps(policy))
    assert json.loads(ecr.get_repository_policy(repositoryName=unique)["policyText"]) == policy
    ecr.delete_repository_policy(repositoryName=unique)
    assert refused(ecr.get_repository_policy, repositoryName=unique) == "RepositoryPolicyNotFoundException"


def test_image(create: Create, client: Clients, provider: SandboxProvider, unique: str, tmp_path: Path) -> None:
    repository = create("aws:ecr/repository:Repository", name=unique, imageTagMutability="IMMUTABLE")
    token = provider.invoke("aws:ecr/getAuthorizationToken:getAuthorizationToken", {})
    (tmp_path / "hello.py").write_text("print('hello')\n")
    (tmp_path / "Dockerfile").write_text('FROM python:3.13-slim\nCOPY hello.py .\nCMD ["python", "hello.py"]\n')
    tag = f"{repository['repositoryUrl']}:content-1"
    image = create(
        "docker-build:index:Image",
        context={"location": str(tmp_path)},
        dockerfile={"location": str(tmp_path / "Dockerfile")},
        platforms=["linux/arm64"],
        tags=[tag],
        push=True,
        buildOnPreview=False,
        registries=[{"address": token["proxyEndpoint"], "username": token["userName"], "password": token["password"]}],
    )
    assert image["ref"] == f"{tag}@{image['digest']}"
    (listed,) = client("ecr").describe_images(repositoryName=unique)["imageDetails"]
    assert (listed["imageDigest"], listed["imageTags"]) == (image["digest"], ["content-1"])
    found = client("ecr").batch_get_image(repositoryName=unique, imageIds=[{"imageTag": "content-1"}])["images"]
    assert found[0]["imageId"]["imageDigest"] == image["digest"]
    config = json.loads(found[0]["imageManifest"])["config"]
    url = client("ecr").get_download_url_for_layer(repositoryName=unique, layerDigest=config["digest"])["downloadUrl"]
    blob = patient.get(url).content
    assert f"sha256:{hashlib.sha256(blob).hexdigest()}" == config["digest"]
    assert (json.loads(blob)["os"], json.loads(blob)["architecture"]) == ("linux", "arm64")


def test_role(create: Create, client: Clients, unique: str) -> None:
    iam = client("iam")
    role = create(
        "aws:iam/role:Role",
        name=unique,
        assumeRolePolicy=json.dumps(TRUST),
        description="of jobs",
        maxSessionDuration=7200,
        managedPolicyArns=["arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"],
        inlinePolicies=[{"name": "inline", "policy": json.dumps(POLICY)}],
        tags=TAGS,
    )
    policy = create("aws:iam/rolePolicy:RolePolicy", name="own", role=role.id, policy=json.dumps(POLICY))
    read = iam.get_role(RoleName=unique)["Role"]
    assert read["AssumeRolePolicyDocument"] == TRUST
    assert (read["Description"], read["MaxSessionDuration"], read["Tags"]) == ("of jobs", 7200, TAG_LIST)
    assert (role["arn"], role["uniqueId"]) == (read["Arn"], read["RoleId"])
    assert policy.id == f"{unique}:own"
    assert sorted(iam.list_role_policies(RoleName=unique)["PolicyNames"]) == ["inline", "own"]
    assert iam.get_role_policy(RoleName=unique, PolicyName="own")["PolicyDocument"] == POLICY
    (attached,) = iam.list_attached_role_policies(RoleName=unique)["AttachedPolicies"]
    assert attached["PolicyName"] == "AWSLambdaBasicExecutionRole"
    assert iam.list_instance_profiles_for_role(RoleName=unique)["InstanceProfiles"] == []
    assert refused(iam.delete_role, RoleName=unique) == "DeleteConflict"
    for name in ("own", "inline"):
        iam.delete_role_policy(RoleName=unique, PolicyName=name)
    assert refused(iam.get_role_policy, RoleName=unique, PolicyName="own") == "NoSuchEntity"
    iam.detach_role_policy(RoleName=unique, PolicyArn=attached["PolicyArn"])
    iam.delete_role(RoleName=unique)
    assert refused(iam.get_role, RoleName=unique) == "NoSuchEntity"


def test_log_group(create: Create, client: Clients, unique: str) -> None:
    logs = client("logs")
    name = f"/slipway/{unique}"
    group = create("aws:cloudwatch/logGroup:LogGroup", name=name, retentionInDays=30, tags=TAGS)
    (read,) = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    assert (read["logGroupName"], read["retentionInDays"]) == (name, 30)
    assert group["arn"] == read["logGroupArn"]
    assert logs.list_tags_for_resource(resourceArn=group["arn"])["tags"] == TAGS
    logs.delete_log_group(logGroupName=name)
    assert logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"] == []


def test_a_log_group_without_retention_keeps_for_ever(create: Create, client: Clients, unique: str) -> None:
    create("aws:cloudwatch/logGroup:LogGroup", name=unique)
    (read,) = client("logs").describe_log_groups(logGroupNamePrefix=unique)["logGroups"]
    assert "retentionInDays" not in read


def test_table(create: Create, client: Clients, unique: str) -> None:
    dynamodb = client("dynamodb")
    table = create(
        "aws:dynamodb/table:Table",
        name=unique,
        billingMode="PAY_PER_REQUEST",
        hashKey="id",
        rangeKey="sort",
        attributes=[{"name": "id", "type": "S"}, {"name": "sort", "type": "N"}],
        ttl={"enabled": True, "attributeName": "expiresAt"},
        serverSideEncryption={"enabled": True},
        pointInTimeRecovery={"enabled": True},
        deletionProtectionEnabled=True,
        tags=TAGS,
    )
    read = dynamodb.describe_table(TableName=unique)["Table"]
    assert read["KeySchema"] == [
        {"AttributeName": "id", "KeyType": "HASH"},
        {"AttributeName": "sort", "KeyType": "RANGE"},
    ]
    assert read["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert (read["TableArn"], read["DeletionProtectionEnabled"]) == (table["arn"], True)
    expiry = dynamodb.describe_time_to_live(TableName=unique)["TimeToLiveDescription"]
    assert expiry == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expiresAt"}
    backups = dynamodb.describe_continuous_backups(TableName=unique)["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    assert dynamodb.list_tags_of_resource(ResourceArn=table["arn"])["Tags"] == TAG_LIST
    assert refused(dynamodb.delete_table, TableName=unique) == "ValidationException"
    dynamodb.update_table(TableName=unique, DeletionProtectionEnabled=False)
    dynamodb.delete_table(TableName=unique)
    assert refused(dynamodb.describe_table, TableName=unique) == "ResourceNotFoundException"


def test_a_conditional_write_succeeds_once(create: Create, client: Clients, unique: str) -> None:
    create(
        "aws:dynamodb/table:Table",
        name=unique,
        billingMode="PAY_PER_REQUEST",
        hashKey="id",
        attributes=[{"name": "id", "type": "S"}],
    )
    dynamodb = client("dynamodb")
    item = {"id": {"S": "a"}, "lease": {"N": "1"}}
    claim = {"TableName": unique, "Item": item, "ConditionExpression": "attribute_not_exists(id)"}
    dynamodb.put_item(**claim)
    assert refused(dynamodb.put_item, **claim) == "ConditionalCheckFailedException"
    take = {
        "TableName": unique,
        "Key": {"id": {"S": "a"}},
        "UpdateExpression": "SET lease = :new",
        "ConditionExpression": "lease = :old",
        "ExpressionAttributeValues": {":old": {"N": "1"}, ":new": {"N": "2"}},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    dynamodb.update_item(**take)
    with pytest.raises(ClientError) as caught:
        dynamodb.update_item(**take)
    assert caught.value.response["Item"] == {"id": {"S": "a"}, "lease": {"N": "2"}}


def test_event_rule_and_target(create: Create, client: Clients, unique: str) -> None:
    events = client("events")
    pattern = {"source": ["aws.batch"], "detail": {"jobQueue": ["any"]}}
    rule = create(
        "aws:cloudwatch/eventRule:EventRule",
        name=unique,
        description="jobs",
        eventPattern=json.dumps(pattern),
        tags=TAGS,
    )
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:any"
    target = create(
        "aws:cloudwatch/eventTarget:EventTarget",
        rule=rule["name"],
        arn=arn,
        targetId="reconciler",
        retryPolicy={"maximumRetryAttempts": 2, "maximumEventAgeInSeconds": 600},
    )
    read = events.describe_rule(Name=unique)
    assert (read["Description"], read["State"]) == ("jobs", "ENABLED")
    assert json.loads(read["EventPattern"]) == pattern
    assert read["Arn"] == rule["arn"] == f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{unique}"
    assert events.list_tags_for_resource(ResourceARN=rule["arn"])["Tags"] == TAG_LIST
    (found,) = events.list_targets_by_rule(Rule=unique)["Targets"]
    assert found == {
        "Id": "reconciler",
        "Arn": arn,
        "RetryPolicy": {"MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 600},
    }
    assert target.id == f"{unique}-reconciler"
    events.remove_targets(Rule=unique, Ids=["reconciler"])
    assert events.list_targets_by_rule(Rule=unique)["Targets"] == []
    events.delete_rule(Name=unique)
    assert refused(events.describe_rule, Name=unique) == "ResourceNotFoundException"

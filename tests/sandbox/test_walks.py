"""Each type that the program registers has a test that walks its whole life against the running sandbox: created, read
back, changed by the provider's calls, deleted, and gone with the code that says so."""

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from engine.preview import PreviewProvider
from engine.program import run_program

ROOT = Path(__file__).parents[2]
REGION = "eu-central-1"
WORDCOUNT = {"wordcount": {"context": "pipelines/wordcount"}}
OPTIONS: Mapping[str, Any] = {
    "aws:region": REGION,
    "pipelines": WORDCOUNT,
    "functions": {"mailer": {"pipeline": "wordcount", "failureDestination": f"arn:aws:sqs:{REGION}:000000000000:dead"}},
    "services": {"web": {"pipeline": "wordcount", "port": 8080, "sources": ["10.0.0.0/16"]}},
    "notifications": {"emails": ["team@example.org"]},
}
_GATEWAY, _SITES = "test_resources_apigateway", "test_life_cycles_of_sites"
_LIVES, _DATA = "test_life_cycles", "test_life_cycles_of_data"
WALKS: Mapping[str, tuple[str, ...]] = {
    "aws:apigateway/apiKey:ApiKey": (
        f"{_GATEWAY}::test_key_and_usage_plan",
        f"{_SITES}::test_stages_keys_and_plans_are_changed",
    ),
    "aws:apigateway/deployment:Deployment": (
        f"{_GATEWAY}::test_deployment_and_stage",
        f"{_SITES}::test_stages_keys_and_plans_are_changed",
    ),
    "aws:apigateway/integration:Integration": (
        f"{_GATEWAY}::test_method_with_a_function",
        f"{_SITES}::test_the_parts_of_an_api_are_changed",
    ),
    "aws:apigateway/integrationResponse:IntegrationResponse": (
        f"{_GATEWAY}::test_preflight",
        f"{_SITES}::test_the_parts_of_an_api_are_changed",
    ),
    "aws:apigateway/method:Method": (
        f"{_GATEWAY}::test_method_with_a_function",
        f"{_SITES}::test_the_parts_of_an_api_are_changed",
    ),
    "aws:apigateway/methodResponse:MethodResponse": (
        f"{_GATEWAY}::test_preflight",
        f"{_SITES}::test_the_parts_of_an_api_are_changed",
    ),
    "aws:apigateway/model:Model": (
        f"{_GATEWAY}::test_model_and_validator",
        f"{_SITES}::test_the_parts_of_an_api_are_changed",
    ),
    "aws:apigateway/requestValidator:RequestValidator": (f"{_GATEWAY}::test_model_and_validator",),
    "aws:apigateway/resource:Resource": (
        f"{_GATEWAY}::test_resource",
        f"{_SITES}::test_the_parts_of_an_api_are_changed",
    ),
    "aws:apigateway/response:Response": (f"{_GATEWAY}::test_gateway_response",),
    "aws:apigateway/restApi:RestApi": (f"{_GATEWAY}::test_api", f"{_SITES}::test_an_api_is_changed"),
    "aws:apigateway/stage:Stage": (
        f"{_GATEWAY}::test_deployment_and_stage",
        f"{_SITES}::test_stages_keys_and_plans_are_changed",
    ),
    "aws:apigateway/usagePlan:UsagePlan": (
        f"{_GATEWAY}::test_key_and_usage_plan",
        f"{_SITES}::test_stages_keys_and_plans_are_changed",
    ),
    "aws:apigateway/usagePlanKey:UsagePlanKey": (f"{_GATEWAY}::test_key_and_usage_plan",),
    "aws:batch/computeEnvironment:ComputeEnvironment": (f"{_LIVES}::test_batch_from_creation_to_deletion",),
    "aws:batch/jobDefinition:JobDefinition": (f"{_LIVES}::test_batch_from_creation_to_deletion",),
    "aws:batch/jobQueue:JobQueue": (f"{_LIVES}::test_batch_from_creation_to_deletion",),
    "aws:cloudfront/distribution:Distribution": (f"{_SITES}::test_a_distribution_is_changed_disabled_and_deleted",),
    "aws:cloudfront/originAccessControl:OriginAccessControl": (
        f"{_SITES}::test_what_belongs_to_a_distribution_is_changed_and_deleted",
    ),
    "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": (
        f"{_SITES}::test_what_belongs_to_a_distribution_is_changed_and_deleted",
    ),
    "aws:cloudwatch/eventRule:EventRule": (f"{_LIVES}::test_a_rule_is_changed",),
    "aws:cloudwatch/eventTarget:EventTarget": (f"{_LIVES}::test_a_rule_is_changed",),
    "aws:cloudwatch/logGroup:LogGroup": (
        "test_resources_registry::test_log_group",
        f"{_LIVES}::test_a_log_group_is_changed",
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": (
        "test_resources_messaging::test_alarm",
        "test_cbor::test_an_alarm_from_creation_to_deletion",
    ),
    "aws:dynamodb/table:Table": ("test_resources_registry::test_table", f"{_DATA}::test_a_table_is_changed"),
    "aws:ec2/internetGateway:InternetGateway": (
        "test_resources_network::test_internet_gateway",
        f"{_LIVES}::test_tags_of_a_network",
    ),
    "aws:ec2/route:Route": ("test_resources_network::test_routes", f"{_LIVES}::test_a_network_is_changed"),
    "aws:ec2/routeTable:RouteTable": ("test_resources_network::test_routes", f"{_LIVES}::test_tags_of_a_network"),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": (
        "test_resources_network::test_routes",
        f"{_LIVES}::test_a_network_is_changed",
    ),
    "aws:ec2/securityGroup:SecurityGroup": (
        "test_resources_network::test_security_group",
        f"{_LIVES}::test_the_rules_of_a_security_group_are_changed",
        f"{_LIVES}::test_tags_of_a_network",
    ),
    "aws:ec2/subnet:Subnet": (
        "test_resources_network::test_subnet",
        f"{_LIVES}::test_a_network_is_changed",
        f"{_LIVES}::test_tags_of_a_network",
    ),
    "aws:ec2/vpc:Vpc": (
        "test_resources_network::test_vpc",
        f"{_LIVES}::test_a_network_is_changed",
        f"{_LIVES}::test_tags_of_a_network",
    ),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": (
        "test_resources_registry::test_repository_policies",
        f"{_LIVES}::test_a_repository_is_changed",
    ),
    "aws:ecr/repository:Repository": (
        "test_resources_registry::test_repository",
        f"{_LIVES}::test_a_repository_is_changed",
    ),
    "aws:ecr/repositoryPolicy:RepositoryPolicy": (
        "test_resources_registry::test_repository_policies",
        f"{_LIVES}::test_a_repository_is_changed",
    ),
    "aws:ecs/cluster:Cluster": ("test_resources_services::test_cluster",),
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": ("test_resources_services::test_cluster",),
    "aws:ecs/service:Service": (
        "test_resources_services::test_service",
        "test_resources_services::test_a_service_is_updated_in_place_and_steady_again",
        "test_resources_services::test_a_service_ends_before_its_cluster",
    ),
    "aws:ecs/taskDefinition:TaskDefinition": ("test_resources_services::test_task_definition",),
    "aws:iam/role:Role": ("test_resources_registry::test_role", f"{_LIVES}::test_a_role_is_changed"),
    "aws:iam/rolePolicy:RolePolicy": ("test_resources_registry::test_role", f"{_LIVES}::test_a_role_is_changed"),
    "aws:kms/key:Key": ("test_resources_messaging::test_key",),
    "aws:lambda/alias:Alias": ("test_image_functions::test_alias",),
    "aws:lambda/function:Function": (
        "test_resources_functions::test_function",
        "test_image_functions::test_a_function_of_an_image_and_its_versions",
        f"{_LIVES}::test_a_function_is_changed",
    ),
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": (
        "test_image_functions::test_alias",
        f"{_LIVES}::test_a_function_is_changed",
    ),
    "aws:lambda/permission:Permission": ("test_resources_functions::test_permission",),
    "aws:s3/bucket:Bucket": (
        "test_resources_storage::test_bucket",
        f"{_DATA}::test_a_bucket_is_changed",
        f"{_DATA}::test_the_tags_of_a_bucket_are_those_of_s3_control",
    ),
    "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration": ("test_resources_storage::test_cors",),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": ("test_resources_storage::test_lifecycle",),
    "aws:s3/bucketObjectv2:BucketObjectv2": (f"{_DATA}::test_an_object_is_changed",),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": ("test_resources_storage::test_ownership_controls",),
    "aws:s3/bucketPolicy:BucketPolicy": ("test_resources_storage::test_bucket_policy",),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": (
        "test_resources_storage::test_public_access_block",
        f"{_DATA}::test_a_bucket_is_changed",
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        "test_resources_storage::test_encryption",
        f"{_DATA}::test_a_bucket_is_changed",
    ),
    "aws:s3/bucketVersioning:BucketVersioning": (
        "test_resources_storage::test_versioning",
        f"{_DATA}::test_a_bucket_is_changed",
    ),
    "aws:s3/bucketWebsiteConfiguration:BucketWebsiteConfiguration": ("test_resources_storage::test_website",),
    "aws:sns/topic:Topic": ("test_resources_messaging::test_topic",),
    "aws:sns/topicPolicy:TopicPolicy": ("test_resources_messaging::test_topic",),
    "aws:sns/topicSubscription:TopicSubscription": (
        "test_resources_messaging::test_a_mail_subscription_waits_for_its_confirmation",
    ),
    "aws:sqs/queue:Queue": ("test_resources_messaging::test_queue",),
    "aws:sqs/queuePolicy:QueuePolicy": ("test_resources_messaging::test_queue",),
    # Deleted with its repository: the provider of images asks the registry for nothing else.
    "docker-build:index:Image": ("test_resources_registry::test_image",),
}


@pytest.mark.parametrize(
    ("stack", "config"),
    [
        ("dev", {**OPTIONS}),
        ("prod", {**OPTIONS, "docs": {"mode": "cloudfront"}, "protectData": True}),
        ("staging", {**OPTIONS, "docs": {"mode": "cloudfront"}, "network": {"kind": "default"}}),
        ("shared", {"aws:region": REGION, "repositories": ["wordcount"], "notifications": OPTIONS["notifications"]}),
    ],
)
def test_every_type_in_use_has_a_walk(stack: str, config: Mapping[str, Any]) -> None:
    deployment = run_program(ROOT, stack, provider=PreviewProvider(REGION), preview=True, config=config)
    assert {item.type for item in deployment.registrations if item.custom} <= WALKS.keys()


def test_every_walk_exists() -> None:
    folder = Path(__file__).parent
    known: dict[str, set[str]] = {}
    for walk in {walk for walks in WALKS.values() for walk in walks}:
        file, _, test = walk.partition("::")
        if file not in known:
            tree = ast.parse((folder / f"{file}.py").read_text(encoding="utf-8"))
            known[file] = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert test in known[file], walk

"""What the bootstrap project grants is enough for what the program makes.

The two projects know nothing of each other; these tests hold them together. What they can't prove: calls that the
provider makes beside the ones listed here, and AWS's own evaluation.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from components import naming
from engine.program import Deployment, Registration, run_program
from engine.upgrade import SimulatedAccount
from tests.bootstrap.conftest import ACCOUNT, REGION, Bootstrap
from tests.bootstrap.iam_model import Context, allowed, statements_of
from tests.bootstrap.test_github_access import BOUNDARY, POLICY, granted

ROOT = Path(__file__).parent.parent.parent
Access = tuple[str, str, Mapping[str, Any]]


@pytest.fixture(scope="module")
def program() -> Deployment:
    """The stack dev with all that is off by default, and the boundary that the bootstrap project made for it."""
    config = {
        "aws:region": REGION,
        "pipelines": {"wordcount": {"context": "pipelines/wordcount"}},
        "permissionsBoundary": BOUNDARY,
        "functions": {
            "mailer": {
                "pipeline": "wordcount",
                "readPrefixes": ["slipway-dev-results-1a2b3c4/wordcount/"],
                "writePrefixes": ["slipway-dev-results-1a2b3c4/mail/"],
                "sesIdentities": ["example.org"],
                "failureDestination": arn("sqs", "slipway-dev-dead"),
            }
        },
        "services": {"web": {"pipeline": "wordcount", "port": 8080, "sources": ["10.0.0.0/16"]}},
        "notifications": {"emails": ["team@example.org"]},
    }
    return run_program(ROOT, "dev", provider=SimulatedAccount(REGION), preview=False, config=config)


@pytest.fixture(scope="module")
def distribution() -> list[Registration]:
    """What CloudFront adds, in a stack that has it; as if it were dev's."""
    config = {
        "aws:region": REGION,
        "pipelines": {"w": {"context": "pipelines/wordcount"}},
        "docs": {"mode": "cloudfront"},
    }
    found = run_program(ROOT, "dev", provider=SimulatedAccount(REGION), preview=False, config=config).registrations
    return [item for item in found if item.type.startswith("aws:cloudfront/")]


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


def named(service: str, kind: str, *operations: str) -> Callable[[Registration], list[Access]]:
    """Operations on a resource that is known by its name, and carries its tags from the start."""
    return lambda item: [
        (f"{service}:{name}", arn(service, f"{kind}{item.inputs['name']}"), {}) for name in (*operations, "TagResource")
    ]


def on_bucket(*operations: str) -> Callable[[Registration], list[Access]]:
    return lambda item: [(f"s3:{name}", f"arn:aws:s3:::{item.inputs['bucket']}", {}) for name in operations]


def service(item: Registration) -> list[Access]:
    path = f"slipway-dev-services/{item.inputs['name']}"
    names = (
        *("CreateService", "UpdateService", "DeleteService", "DescribeServices", "TagResource"),
        "ListServiceDeployments",
    )
    return [
        *((f"ecs:{name}", arn("ecs", f"service/{path}"), {}) for name in names),
        ("ecs:DescribeServiceDeployments", arn("ecs", f"service-deployment/{path}/1234"), {}),
    ]


def key(item: Registration) -> list[Access]:
    target = arn("kms", "key/1234")
    tags = {name: item.inputs["tags"][name] for name in ("Project", "Stack")}
    created = {f"aws:RequestTag/{name}": value for name, value in tags.items()}
    owned = {f"aws:ResourceTag/{name}": value for name, value in tags.items()}
    names = (
        *("DescribeKey", "GetKeyPolicy", "GetKeyRotationStatus", "ListResourceTags", "PutKeyPolicy"),
        *("EnableKeyRotation", "ScheduleKeyDeletion", "UpdateKeyDescription", "UntagResource"),
    )
    return [
        ("kms:CreateKey", "*", created),
        ("kms:TagResource", target, created),
        *((f"kms:{name}", target, owned) for name in names),
    ]


def on_queue(*operations: str) -> Callable[[Registration], list[Access]]:
    return lambda item: [
        (f"sqs:{name}", arn("sqs", item.inputs.get("name", "slipway-dev-notifications-failures")), {})
        for name in operations
    ]


def on_topic(*operations: str) -> Callable[[Registration], list[Access]]:
    return lambda item: [(f"sns:{name}", item.inputs.get("arn") or item.inputs["topic"], {}) for name in operations]


def network(kind: str, create: str, delete: str) -> Callable[[Registration], list[Access]]:
    def access(item: Registration) -> list[Access]:
        tags = {key: item.inputs["tags"][key] for key in ("Project", "Stack")}
        target = arn("ec2", f"{kind}/{kind}-1")
        return [
            (f"ec2:{create}", target, {f"aws:RequestTag/{key}": value for key, value in tags.items()}),
            ("ec2:CreateTags", target, {"ec2:CreateAction": create}),
            (f"ec2:{delete}", target, {f"aws:ResourceTag/{key}": value for key, value in tags.items()}),
        ]

    return access


def in_network(kind: str, *operations: str) -> Callable[[Registration], list[Access]]:
    owned = {"aws:ResourceTag/Project": "slipway", "aws:ResourceTag/Stack": "dev"}
    return lambda _item: [(f"ec2:{name}", arn("ec2", f"{kind}/{kind}-1"), owned) for name in operations]


def gateway(path: str) -> Callable[[Registration], list[Access]]:
    verbs = ("POST", "PATCH", "DELETE", "GET")
    return lambda _item: [(f"apigateway:{verb}", f"arn:aws:apigateway:{REGION}::{path}", {}) for verb in verbs]


def role(item: Registration) -> list[Access]:
    target = f"arn:aws:iam::{ACCOUNT}:role/{item.inputs['name']}"
    principal = json.loads(item.inputs["assumeRolePolicy"])["Statement"][0]["Principal"]["Service"]
    bounded = {"iam:PermissionsBoundary": item.inputs["permissionsBoundary"]}
    return [
        *((f"iam:{name}", target, bounded) for name in ("CreateRole", "DeleteRole", "TagRole", "GetRole")),
        ("iam:PassRole", target, {"iam:PassedToService": principal}),
    ]


def role_policy(item: Registration) -> list[Access]:
    target = f"arn:aws:iam::{ACCOUNT}:role/{item.inputs['role']}"
    return [
        (f"iam:{name}", target, {"iam:PermissionsBoundary": BOUNDARY}) for name in ("PutRolePolicy", "DeleteRolePolicy")
    ]


def function(item: Registration) -> list[Access]:
    target = arn("lambda", f"function:{item.inputs.get('name') or item.inputs['function']}")
    names = (
        "CreateFunction",
        "GetFunction",
        "UpdateFunctionCode",
        "DeleteFunction",
        "AddPermission",
        "RemovePermission",
    )
    return [(f"lambda:{name}", target, {}) for name in names]


def cloudfront(kind: str, create: str, delete: str) -> Callable[[Registration], list[Access]]:
    owned = {
        f"aws:{where}/{key}": value
        for where in ("ResourceTag", "RequestTag")
        for key, value in (("Project", "slipway"), ("Stack", "dev"))
    }
    target = f"arn:aws:cloudfront::{ACCOUNT}:{kind}/E1"
    return lambda _item: [(f"cloudfront:{create}", "*", owned), (f"cloudfront:{delete}", target, owned)]


NEEDS: Mapping[str, Callable[[Registration], list[Access]]] = {
    **{
        f"aws:apigateway/{kind}": gateway("/restapis/abc/resources/x")
        for kind in (
            *("deployment:Deployment", "integration:Integration", "integrationResponse:IntegrationResponse"),
            *("method:Method", "methodResponse:MethodResponse", "model:Model", "resource:Resource", "stage:Stage"),
            *("requestValidator:RequestValidator", "response:Response"),
        )
    },
    "aws:apigateway/restApi:RestApi": gateway("/restapis"),
    "aws:apigateway/apiKey:ApiKey": gateway("/apikeys"),
    "aws:apigateway/usagePlan:UsagePlan": gateway("/usageplans"),
    "aws:apigateway/usagePlanKey:UsagePlanKey": gateway("/usageplans/abc/keys"),
    "aws:batch/computeEnvironment:ComputeEnvironment": named(
        "batch",
        "compute-environment/",
        "CreateComputeEnvironment",
        "UpdateComputeEnvironment",
        "DeleteComputeEnvironment",
    ),
    "aws:batch/jobDefinition:JobDefinition": named(
        "batch", "job-definition/", "RegisterJobDefinition", "DeregisterJobDefinition"
    ),
    "aws:batch/jobQueue:JobQueue": named("batch", "job-queue/", "CreateJobQueue", "UpdateJobQueue", "DeleteJobQueue"),
    "aws:cloudwatch/eventRule:EventRule": named("events", "rule/", "PutRule", "DeleteRule"),
    "aws:cloudwatch/eventTarget:EventTarget": lambda item: [
        (f"events:{name}", arn("events", f"rule/{item.inputs['rule']}"), {}) for name in ("PutTargets", "RemoveTargets")
    ],
    "aws:cloudwatch/logGroup:LogGroup": named(
        "logs", "log-group:", "CreateLogGroup", "PutRetentionPolicy", "DeleteLogGroup"
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": named("cloudwatch", "alarm:", "PutMetricAlarm", "DeleteAlarms"),
    "aws:dynamodb/table:Table": named(
        *("dynamodb", "table/", "CreateTable", "UpdateTimeToLive", "UpdateContinuousBackups", "DeleteTable")
    ),
    "aws:ecs/cluster:Cluster": named(
        *("ecs", "cluster/", "CreateCluster", "UpdateCluster", "DeleteCluster", "DescribeClusters")
    ),
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": lambda item: [
        ("ecs:PutClusterCapacityProviders", arn("ecs", f"cluster/{item.inputs['clusterName']}"), {})
    ],
    "aws:ecs/service:Service": service,
    "aws:ecs/taskDefinition:TaskDefinition": lambda item: [
        ("ecs:RegisterTaskDefinition", arn("ecs", f"task-definition/{item.inputs['family']}:1"), {}),
        ("ecs:TagResource", arn("ecs", f"task-definition/{item.inputs['family']}:1"), {}),
        ("ecs:DeregisterTaskDefinition", "*", {}),
        ("ecs:DescribeTaskDefinition", "*", {}),
    ],
    "aws:kms/key:Key": key,
    "aws:lambda/alias:Alias": lambda item: [
        (f"lambda:{name}", arn("lambda", f"function:{item.inputs['functionName']}"), {})
        for name in ("CreateAlias", "UpdateAlias", "GetAlias", "DeleteAlias")
    ],
    "aws:ecr/repository:Repository": named("ecr", "repository/", "CreateRepository", "DeleteRepository"),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": lambda item: [
        (f"ecr:{name}", arn("ecr", f"repository/{item.inputs['repository']}"), {})
        for name in ("PutLifecyclePolicy", "GetLifecyclePolicy", "DeleteLifecyclePolicy")
    ],
    "aws:ecr/repositoryPolicy:RepositoryPolicy": lambda item: [
        ("ecr:SetRepositoryPolicy", arn("ecr", f"repository/{item.inputs['repository']}"), {})
    ],
    "docker-build:index:Image": lambda item: [
        (f"ecr:{name}", arn("ecr", "repository/" + item.inputs["tags"][0].split("/", 1)[1].split(":")[0]), {})
        for name in ("PutImage", "UploadLayerPart", "BatchGetImage")
    ],
    "aws:ec2/vpc:Vpc": network("vpc", "CreateVpc", "DeleteVpc"),
    "aws:ec2/subnet:Subnet": network("subnet", "CreateSubnet", "DeleteSubnet"),
    "aws:ec2/internetGateway:InternetGateway": network(
        "internet-gateway", "CreateInternetGateway", "DeleteInternetGateway"
    ),
    "aws:ec2/routeTable:RouteTable": network("route-table", "CreateRouteTable", "DeleteRouteTable"),
    "aws:ec2/securityGroup:SecurityGroup": lambda item: [
        *network("security-group", "CreateSecurityGroup", "DeleteSecurityGroup")(item),
        *in_network("security-group", "AuthorizeSecurityGroupEgress", "AuthorizeSecurityGroupIngress")(item),
        *in_network("security-group", "RevokeSecurityGroupEgress", "RevokeSecurityGroupIngress")(item),
    ],
    "aws:ec2/route:Route": in_network("route-table", "CreateRoute", "DeleteRoute"),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": in_network("subnet", "AssociateRouteTable"),
    "aws:iam/role:Role": role,
    "aws:iam/rolePolicy:RolePolicy": role_policy,
    "aws:lambda/function:Function": function,
    "aws:lambda/permission:Permission": function,
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": lambda item: [
        (
            "lambda:PutFunctionEventInvokeConfig",
            arn("lambda", f"function:{item.inputs['functionName']}"),
            {},
        )
    ],
    "aws:s3/bucket:Bucket": on_bucket(
        *("CreateBucket", "DeleteBucket", "PutBucketTagging", "GetBucketLocation"),
        *("ListTagsForResource", "TagResource", "UntagResource"),
    ),
    "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration": on_bucket("PutBucketCORS", "GetBucketCORS"),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": on_bucket(
        "PutLifecycleConfiguration", "GetLifecycleConfiguration"
    ),
    "aws:s3/bucketObjectv2:BucketObjectv2": lambda item: [
        (f"s3:{name}", f"arn:aws:s3:::{item.inputs['bucket']}/{item.inputs['key']}", {})
        for name in ("PutObject", "GetObject", "DeleteObject")
    ],
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": on_bucket("PutBucketOwnershipControls"),
    "aws:s3/bucketPolicy:BucketPolicy": on_bucket("PutBucketPolicy", "GetBucketPolicy", "DeleteBucketPolicy"),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": on_bucket("PutBucketPublicAccessBlock"),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": on_bucket(
        "PutEncryptionConfiguration", "GetEncryptionConfiguration"
    ),
    "aws:s3/bucketVersioning:BucketVersioning": on_bucket("PutBucketVersioning", "GetBucketVersioning"),
    "aws:s3/bucketWebsiteConfiguration:BucketWebsiteConfiguration": on_bucket(
        "PutBucketWebsite", "DeleteBucketWebsite"
    ),
    "aws:sns/topic:Topic": lambda item: [
        (f"sns:{name}", arn("sns", item.inputs["name"]), {}) for name in ("CreateTopic", "DeleteTopic", "TagResource")
    ],
    "aws:sns/topicPolicy:TopicPolicy": on_topic("SetTopicAttributes", "GetTopicAttributes"),
    "aws:sns/topicSubscription:TopicSubscription": lambda item: [
        ("sns:Subscribe", item.inputs["topic"], {}),
        ("sns:Unsubscribe", "*", {}),
        ("sns:GetSubscriptionAttributes", "*", {}),
    ],
    "aws:sqs/queue:Queue": on_queue(
        *("CreateQueue", "DeleteQueue", "SetQueueAttributes", "GetQueueAttributes", "ListQueueTags", "TagQueue")
    ),
    "aws:sqs/queuePolicy:QueuePolicy": on_queue("SetQueueAttributes", "GetQueueAttributes"),
    "aws:cloudfront/distribution:Distribution": cloudfront("distribution", "CreateDistribution", "DeleteDistribution"),
    "aws:cloudfront/originAccessControl:OriginAccessControl": cloudfront(
        "origin-access-control", "CreateOriginAccessControl", "DeleteOriginAccessControl"
    ),
    "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": cloudfront(
        "response-headers-policy", "CreateResponseHeadersPolicy", "DeleteResponseHeadersPolicy"
    ),
}
"""Resource type -> what making and removing one asks for."""


def test_the_deploy_role_and_its_boundary_allow_what_the_program_makes(
    bootstrap: Bootstrap, program: Deployment, distribution: list[Registration]
) -> None:
    foundation = bootstrap()
    statements = granted(foundation, "slipway-bootstrap-deploy-dev")
    boundary = statements_of(foundation.one(POLICY, "slipway-bootstrap-deploy-boundary").inputs["policy"])
    resources = [item for item in [*program.registrations, *distribution] if item.custom]
    assert {item.type for item in resources} <= set(NEEDS)
    for item in resources:
        for action, resource, context in NEEDS[item.type](item):
            given: Context = {"aws:RequestedRegion": REGION, **context}
            assert allowed(statements, action, resource, given), (item.type, item.name, action, resource)
            assert allowed(boundary, action, resource, given), (item.type, item.name, action, resource)


def test_the_deploy_role_of_the_shared_stack_allows_what_that_makes(bootstrap: Bootstrap) -> None:
    statements = granted(bootstrap(), "slipway-bootstrap-deploy-shared")
    shared = run_program(ROOT, "shared", provider=SimulatedAccount(REGION), preview=False)
    made = [item for item in shared.registrations if item.custom]
    assert len(made) == 3
    for item in made:
        for action, resource, context in NEEDS[item.type](item):
            assert allowed(statements, action, resource, context), (item.name, action)


def test_the_role_that_looks_for_drift_may_read_what_the_program_makes(
    bootstrap: Bootstrap, program: Deployment
) -> None:
    statements = granted(bootstrap(), "slipway-bootstrap-drift")
    for item in program.registrations:
        for action, resource, context in NEEDS[item.type](item) if item.custom else []:
            if action.partition(":")[2].startswith("Get") and action != "ecr:BatchGetImage":
                assert allowed(statements, action, resource, context), (item.name, action)


def test_every_role_of_the_program_is_bounded(program: Deployment) -> None:
    roles = program.all("aws:iam/role:Role")
    assert len(roles) >= 4
    assert {item.inputs["permissionsBoundary"] for item in roles} == {BOUNDARY}


def test_without_the_setting_roles_have_no_boundary(distribution: list[Registration]) -> None:
    config = {"aws:region": REGION, "pipelines": {"w": {"context": "pipelines/wordcount"}}}
    roles = run_program(ROOT, "dev", provider=SimulatedAccount(REGION), preview=False, config=config).all(
        "aws:iam/role:Role"
    )
    assert not [item for item in roles if item.inputs.get("permissionsBoundary")]


def test_the_workload_boundary_leaves_every_role_what_its_own_policy_grants(
    bootstrap: Bootstrap, program: Deployment
) -> None:
    policy = bootstrap().one(POLICY, "slipway-bootstrap-dev-workload-boundary").inputs["policy"]
    boundary = statements_of(policy)
    for item in program.all("aws:iam/rolePolicy:RolePolicy"):
        for statement in statements_of(item.inputs["policy"]):
            for action in statement["Action"]:
                for resource in statement["Resource"]:
                    assert allowed(boundary, action, resource), (item.name, action, resource)


@pytest.mark.parametrize(("project", "stack"), [("slipway", "dev"), ("s", "d"), ("p" * 19, "s" * 11), ("p1", "s2")])
def test_both_projects_name_a_stacks_resources_alike(project: str, stack: str) -> None:
    assert naming.stack_prefix(project, stack) == f"{project}-{stack}"

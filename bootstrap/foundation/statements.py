"""What each role may do, as IAM statements: plain data, made of names that are known before anything exists.

Actions and what they can be restricted to are those of the service authorization reference; which calls the AWS
provider makes for a resource type was recorded from the provider itself. Where AWS can't restrict an action to names,
the statement says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Statement = Mapping[str, Any]

_CLOUDFRONT_KINDS = ("distribution", "origin-access-control", "response-headers-policy")
_NETWORK_LOOKUPS = "DescribeAvailabilityZones DescribeSecurityGroups DescribeSubnets DescribeVpcs"
_CREATED_NETWORK = ("internet-gateway", "route-table", "security-group", "subnet", "vpc")
SERVICE_PRINCIPALS = (*("apigateway", "batch", "delivery.logs", "ecs-tasks", "events", "lambda", "scheduler"),)
"""The services that roles of a stack are handed to."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where one stack lives."""

    partition: str
    region: str
    account_id: str
    project: str
    stack: str

    @property
    def prefix(self) -> str:
        """What the names of all its resources begin with."""
        return f"{self.project}-{self.stack}"

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a regional resource of this account."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account_id}:{resource}"

    def global_arn(self, service: str, resource: str) -> str:
        """The ARN of a resource that belongs to no region."""
        return f"arn:{self.partition}:{service}::{self.account_id}:{resource}"

    @property
    def job_queues(self) -> list[str]:
        """The ARNs of the stack's queues, of which the first has the prefix itself for a name."""
        return [self.arn("batch", f"job-queue/{name}") for name in (self.prefix, f"{self.prefix}-*")]

    @property
    def shared_repositories(self) -> str:
        """The ARNs of the project's shared repositories, in whatever account: their own policy has the last word."""
        return f"arn:{self.partition}:ecr:{self.region}:*:repository/{self.project}-shared/*"

    def bucket(self, name: str = "") -> str:
        """The ARN of a bucket, or of an object in it; by default of every bucket of the stack."""
        return f"arn:{self.partition}:s3:::{name or self.prefix + '-*'}"


def allow(actions: Sequence[str], resources: Sequence[str], condition: Mapping[str, Any] | None = None) -> Statement:
    """A statement that allows actions on resources."""
    statement: dict[str, Any] = {"Effect": "Allow", "Action": sorted(actions), "Resource": list(resources)}
    return {**statement, "Condition": condition} if condition else statement


def actions(service: str, names: str) -> list[str]:
    """Actions of a service, given in one text: `actions("sns", "CreateTopic DeleteTopic")`."""
    return [f"{service}:{name}" for name in names.split()]


def state_access(place: Place, bucket: str, key_alias: str, *, write: bool) -> list[Statement]:
    """Read a stack's state and its secrets; with `write` change it, too.

    The layout is that of Pulumi's own backend for buckets [pulumi/pulumi, pkg/backend/diy]: a preview neither locks nor
    writes. Secrets are encrypted with the stack's name as encryption context, so that one key serves all stacks and
    each role opens those of its own.
    """
    own = f"{place.project}/{place.stack}"
    read = [f".pulumi/stacks/{own}.json*", *(f".pulumi/{kind}/{own}/*" for kind in ("history", "backups", "journal"))]
    locks = f".pulumi/locks/organization/{own}/*"
    objects = [place.bucket(f"{bucket}/{path}") for path in (*read, locks)]
    keys = ["Decrypt", "Encrypt"] if write else ["Decrypt"]
    statements = [
        allow(["s3:ListBucket"], [place.bucket(bucket)]),
        allow(["s3:GetObject"], [*objects, place.bucket(f"{bucket}/.pulumi/meta.yaml")]),
        allow(
            [f"kms:{key}" for key in keys],
            # By its alias: a key's ARN is random, and would leave the whole policy unknown in a first preview.
            [place.arn("kms", "key/*")],
            {
                "StringEquals": {"kms:EncryptionContext:stack": place.stack},
                "ForAnyValue:StringEquals": {"kms:ResourceAliases": key_alias},
            },
        ),
    ]
    if write:
        statements.append(allow(["s3:DeleteObject", "s3:PutObject"], objects))
    return statements


def read_stack(place: Place) -> list[Statement]:
    """Read the resources of a stack, as a refresh does: nothing that holds data is among it."""
    prefix = place.prefix
    batch = [place.arn("batch", f"{kind}/{prefix}-*") for kind in ("compute-environment", "job-definition")]
    logs = [place.arn("logs", f"log-group:{name}") for name in _log_groups(prefix)]
    return [
        # A REST API, a key, a usage plan, what belongs to a VPC or to CloudFront have ids, not names.
        allow(["apigateway:GET"], _gateway_paths(place)),
        allow(["ec2:DescribeVpcAttribute"], [place.arn("ec2", "vpc/*")]),
        allow(
            actions(
                "cloudfront", "GetDistribution GetOriginAccessControl GetResponseHeadersPolicy ListTagsForResource"
            ),
            [place.global_arn("cloudfront", f"{kind}/*") for kind in _CLOUDFRONT_KINDS],
        ),
        allow(["batch:ListTagsForResource"], [*batch, *place.job_queues]),
        allow(
            actions("cloudwatch", "DescribeAlarms GetDashboard ListTagsForResource"),
            [place.arn("cloudwatch", f"alarm:{prefix}-*"), place.global_arn("cloudwatch", f"dashboard/{prefix}-*")],
        ),
        allow(
            actions("dynamodb", "DescribeContinuousBackups DescribeTable DescribeTimeToLive ListTagsOfResource"),
            [place.arn("dynamodb", f"table/{prefix}-*")],
        ),
        allow(
            actions("ecr", "DescribeImages DescribeRepositories GetLifecyclePolicy GetRepositoryPolicy")
            + actions("ecr", "ListTagsForResource"),
            [place.arn("ecr", f"repository/{prefix}/*")],
        ),
        allow(
            # By its deployments the provider sees whether a service became steady, or was rolled back.
            actions("ecs", "DescribeClusters DescribeServiceDeployments DescribeServices ListServiceDeployments")
            + actions("ecs", "ListTagsForResource"),
            [
                place.arn("ecs", f"{kind}/{prefix}-*")
                for kind in ("cluster", "service", "service-deployment", "task-definition")
            ],
        ),
        allow(
            actions("events", "DescribeRule ListTagsForResource ListTargetsByRule"),
            [place.arn("events", f"rule/{prefix}-*")],
        ),
        allow(
            actions("iam", "GetRole GetRolePolicy ListAttachedRolePolicies ListInstanceProfilesForRole")
            + actions("iam", "ListRolePolicies ListRoleTags"),
            [place.global_arn("iam", f"role/{prefix}-*")],
        ),
        allow(
            actions("lambda", "GetAlias GetFunction GetFunctionCodeSigningConfig GetFunctionConcurrency")
            + actions("lambda", "GetFunctionConfiguration GetFunctionEventInvokeConfig GetPolicy")
            + actions("lambda", "GetRuntimeManagementConfig ListTags ListVersionsByFunction"),
            [place.arn("lambda", f"function:{prefix}-*")],
        ),
        allow(["logs:DescribeMetricFilters", "logs:ListTagsForResource"], logs),
        allow(
            # Of a bucket all that describes it; its objects are other resources.
            actions("s3", "GetAccelerateConfiguration GetBucket* GetEncryptionConfiguration")
            + actions("s3", "GetLifecycleConfiguration GetReplicationConfiguration ListBucket ListTagsForResource"),
            [place.bucket()],
        ),
        # Of objects only those of the docs site, which the stack itself uploads.
        allow(actions("s3", "GetObject GetObjectTagging"), [place.bucket(f"{prefix}-docs-*/*")]),
        allow(
            actions("sns", "GetTopicAttributes ListSubscriptionsByTopic ListTagsForResource"),
            [place.arn("sns", f"{prefix}-*")],
        ),
        allow(actions("sqs", "GetQueueAttributes ListQueueTags"), [place.arn("sqs", f"{prefix}-*")]),
    ]


def _log_groups(prefix: str) -> list[str]:
    return [f"/aws/{kind}/{prefix}-*" for kind in ("apigateway", "batch", "ecs", "lambda")]


def _gateway_paths(place: Place) -> list[str]:
    """What the API, its keys and its usage plans are in the ARNs of API Gateway: paths of its own REST API."""
    gateway = f"arn:{place.partition}:apigateway:{place.region}::"
    kinds = ("apikeys", "restapis", "usageplans")
    return [*(f"{gateway}/{kind}{rest}" for kind in kinds for rest in ("", "/*")), f"{gateway}/tags/*"]


def write_services(place: Place, *, builds: bool) -> list[Statement]:
    """Create, change and delete what has a name that tells its stack; with `builds` push images for others, too."""
    prefix = place.prefix
    repositories = [place.arn("ecr", f"repository/{prefix}/*")]
    shared = place.shared_repositories
    logs = [place.arn("logs", f"log-group:{name}") for name in _log_groups(prefix)]
    pushed = [*repositories, shared] if builds else repositories
    return [
        allow(
            actions("batch", "CreateComputeEnvironment DeleteComputeEnvironment UpdateComputeEnvironment")
            + actions("batch", "CreateJobQueue DeleteJobQueue UpdateJobQueue")
            + actions("batch", "DeregisterJobDefinition RegisterJobDefinition TagResource UntagResource"),
            [place.arn("batch", f"{kind}/{prefix}-*") for kind in ("compute-environment", "job-definition")]
            + place.job_queues,
        ),
        allow(
            actions("ecr", "CreateRepository DeleteLifecyclePolicy DeleteRepository DeleteRepositoryPolicy")
            + actions("ecr", "PutImageScanningConfiguration PutImageTagMutability PutLifecyclePolicy")
            + actions("ecr", "SetRepositoryPolicy TagResource UntagResource BatchDeleteImage"),
            repositories,
        ),
        allow(
            actions("ecr", "BatchCheckLayerAvailability BatchGetImage CompleteLayerUpload DescribeImages")
            + actions("ecr", "GetDownloadUrlForLayer InitiateLayerUpload PutImage UploadLayerPart"),
            pushed,
        ),
        allow(actions("ecr", "BatchGetImage DescribeImages GetDownloadUrlForLayer"), [shared]),
        allow(
            actions("lambda", "AddPermission CreateAlias CreateFunction DeleteAlias DeleteFunction")
            + actions("lambda", "DeleteFunctionConcurrency DeleteFunctionEventInvokeConfig PublishVersion")
            + actions("lambda", "PutFunctionConcurrency PutFunctionEventInvokeConfig RemovePermission TagResource")
            + actions("lambda", "UntagResource UpdateAlias UpdateFunctionCode UpdateFunctionConfiguration"),
            [place.arn("lambda", f"function:{prefix}-*")],
        ),
        allow(
            actions("logs", "CreateLogGroup DeleteLogGroup DeleteRetentionPolicy PutRetentionPolicy")
            + actions("logs", "TagResource UntagResource DeleteMetricFilter PutMetricFilter"),
            logs,
        ),
        allow(
            actions("s3", "CreateBucket DeleteBucket DeleteBucketPolicy DeleteBucketWebsite PutBucketCORS")
            + actions("s3", "PutBucketOwnershipControls PutBucketPolicy PutBucketPublicAccessBlock PutBucketTagging")
            + actions("s3", "PutBucketVersioning PutBucketWebsite PutEncryptionConfiguration")
            + actions("s3", "PutLifecycleConfiguration ListBucketVersions TagResource UntagResource"),
            [place.bucket()],
        ),
        # Emptying a bucket is part of deleting a stack whose data isn't protected.
        allow(
            actions("s3", "DeleteObject DeleteObjectVersion PutObject PutObjectTagging"),
            [place.bucket(f"{prefix}-*/*")],
        ),
        allow(
            actions("dynamodb", "CreateTable DeleteTable TagResource UntagResource UpdateContinuousBackups")
            + actions("dynamodb", "UpdateTable UpdateTimeToLive"),
            [place.arn("dynamodb", f"table/{prefix}-*")],
        ),
        allow(
            actions("events", "DeleteRule PutRule PutTargets RemoveTargets TagResource UntagResource"),
            [place.arn("events", f"rule/{prefix}-*")],
        ),
        allow(
            actions("sns", "CreateTopic DeleteTopic SetTopicAttributes Subscribe TagResource UntagResource"),
            [place.arn("sns", f"{prefix}-*")],
        ),
        allow(
            actions("sqs", "CreateQueue DeleteQueue SetQueueAttributes TagQueue UntagQueue"),
            [place.arn("sqs", f"{prefix}-*")],
        ),
        # The literal "*": an ARN of a subscription ends in an id; Unsubscribe knows no other resource.
        allow(["sns:Unsubscribe"], ["*"]),
        allow(
            actions(
                "cloudwatch", "DeleteAlarms DeleteDashboards PutDashboard PutMetricAlarm TagResource UntagResource"
            ),
            [place.arn("cloudwatch", f"alarm:{prefix}-*"), place.global_arn("cloudwatch", f"dashboard/{prefix}-*")],
        ),
        allow(
            actions("ecs", "CreateCluster CreateService DeleteCluster DeleteService PutClusterCapacityProviders")
            + actions("ecs", "RegisterTaskDefinition TagResource UntagResource UpdateCluster UpdateService"),
            [place.arn("ecs", f"{kind}/{prefix}-*") for kind in ("cluster", "service", "task-definition")],
        ),
        # The literal "*": DeregisterTaskDefinition knows no other resource.
        allow(["ecs:DeregisterTaskDefinition"], ["*"]),
    ]


def write_access(place: Place, boundary: str) -> list[Statement]:
    """Create, change and delete the API, its front door, the network and the roles of a stack.

    Args:
        boundary: ARN of the policy that bounds what those roles can do, see `workload_boundary`.
    """
    return [*_write_gateway(place), *_write_network(place), *_write_roles(place, boundary)]


def _write_gateway(place: Place) -> list[Statement]:
    """API Gateway and CloudFront give ids, so that a name can't restrict them: each is limited to the kinds in use."""
    distribution = [place.global_arn("cloudfront", "distribution/*")]
    owned = {"aws:ResourceTag/Project": place.project, "aws:ResourceTag/Stack": place.stack}
    return [
        allow(actions("apigateway", "DELETE PATCH POST PUT"), _gateway_paths(place)),
        # The literal "*": what is yet to be created has no ARN here.
        allow(
            ["cloudfront:CreateDistribution"],
            ["*"],
            {"StringEquals": {"aws:RequestTag/Project": place.project, "aws:RequestTag/Stack": place.stack}},
        ),
        allow(actions("cloudfront", "CreateOriginAccessControl CreateResponseHeadersPolicy"), ["*"]),
        # The tags of a distribution come with its creation, when it has none yet that could be asked for.
        allow(
            ["cloudfront:TagResource"],
            distribution,
            {"StringEquals": {"aws:RequestTag/Project": place.project, "aws:RequestTag/Stack": place.stack}},
        ),
        allow(
            actions("cloudfront", "CreateInvalidation DeleteDistribution TagResource UntagResource UpdateDistribution"),
            distribution,
            {"StringEquals": owned},
        ),
        allow(
            actions("cloudfront", "DeleteOriginAccessControl UpdateOriginAccessControl"),
            [place.global_arn("cloudfront", "origin-access-control/*")],
        ),
        allow(
            actions("cloudfront", "DeleteResponseHeadersPolicy UpdateResponseHeadersPolicy"),
            [place.global_arn("cloudfront", "response-headers-policy/*")],
        ),
    ]


def _write_network(place: Place) -> list[Statement]:
    """EC2 gives ids, too; here tags tell the stacks apart, from the moment of creation."""
    kinds = {kind: place.arn("ec2", f"{kind}/*") for kind in _CREATED_NETWORK}
    created = {"aws:RequestTag/Project": place.project, "aws:RequestTag/Stack": place.stack}
    owned = {"aws:ResourceTag/Project": place.project, "aws:ResourceTag/Stack": place.stack}
    inside_vpc = actions("ec2", "CreateInternetGateway CreateRouteTable CreateSecurityGroup CreateSubnet")
    return [
        allow(["ec2:CreateVpc"], [kinds["vpc"]], {"StringEquals": created}),
        allow(inside_vpc, [arn for kind, arn in kinds.items() if kind != "vpc"], {"StringEquals": created}),
        # The network that they are created in; a security group may be in the account's default VPC, which has no tags.
        allow(actions("ec2", "CreateRouteTable CreateSubnet"), [kinds["vpc"]], {"StringEquals": owned}),
        allow(["ec2:CreateSecurityGroup"], [kinds["vpc"]]),
        allow(
            ["ec2:CreateTags"],
            list(kinds.values()),
            {"StringEquals": {"ec2:CreateAction": [item.split(":")[1] for item in (*inside_vpc, "ec2:CreateVpc")]}},
        ),
        allow(
            actions("ec2", "AssociateRouteTable AttachInternetGateway AuthorizeSecurityGroupEgress")
            + actions("ec2", "AuthorizeSecurityGroupIngress CreateRoute")
            + actions("ec2", "CreateTags DeleteInternetGateway DeleteRoute DeleteRouteTable DeleteSecurityGroup")
            + actions("ec2", "DeleteSubnet DeleteTags DeleteVpc DetachInternetGateway DisassociateRouteTable")
            + actions("ec2", "ModifySubnetAttribute ModifyVpcAttribute ReplaceRoute ReplaceRouteTableAssociation")
            + actions("ec2", "RevokeSecurityGroupEgress RevokeSecurityGroupIngress"),
            list(kinds.values()),
            {"StringEquals": owned},
        ),
    ]


def _write_roles(place: Place, boundary: str) -> list[Statement]:
    """Roles of the stack, always within the workload boundary: else a deployment could make itself administrator."""
    roles = [place.global_arn("iam", f"role/{place.prefix}-*")]
    bounded = {"StringEquals": {"iam:PermissionsBoundary": boundary}}
    domain = "amazonaws.com.cn" if place.partition == "aws-cn" else "amazonaws.com"
    passed = {"StringEquals": {"iam:PassedToService": [f"{service}.{domain}" for service in SERVICE_PRINCIPALS]}}
    linked = ("batch", "ecs", "ops.apigateway")
    return [
        allow(actions("iam", "CreateRole DeleteRolePolicy PutRolePermissionsBoundary PutRolePolicy"), roles, bounded),
        allow(
            actions("iam", "DeleteRole TagRole UntagRole UpdateAssumeRolePolicy UpdateRole UpdateRoleDescription"),
            roles,
        ),
        allow(["iam:PassRole"], roles, passed),
        allow(
            ["iam:CreateServiceLinkedRole"],
            [place.global_arn("iam", "role/aws-service-role/*")],
            {"StringEquals": {"iam:AWSServiceName": [f"{service}.amazonaws.com" for service in linked]}},
        ),
    ]


def preview_lookups() -> Statement:
    """What a preview asks of AWS besides the state: the answers to the program's own look-ups."""
    # The literal "*": AWS authorizes these on no resource.
    return allow([*actions("ec2", _NETWORK_LOOKUPS), "ecr:GetAuthorizationToken"], ["*"])


def shared_lookups(place: Place) -> Statement:
    """What the program asks about the repositories of the stack `shared`, in every preview."""
    return allow(actions("ecr", "DescribeImages DescribeRepositories ListTagsForResource"), [place.shared_repositories])


def resource_lookups() -> Statement:
    """What a refresh asks of AWS and AWS authorizes on no resource; with `read_stack` all that it asks."""
    return allow(
        [
            *actions("batch", "DescribeComputeEnvironments DescribeJobDefinitions DescribeJobQueues"),
            *actions("ec2", f"{_NETWORK_LOOKUPS} DescribeInternetGateways DescribeNetworkAcls"),
            *actions("ec2", "DescribeNetworkInterfaces DescribeRouteTables DescribeSecurityGroupRules"),
            *actions("ecr", "GetAuthorizationToken"),
            *actions("ecs", "DescribeTaskDefinition"),
            *actions("logs", "DescribeLogGroups"),
            *actions("sns", "GetSubscriptionAttributes"),
        ],
        # The literal "*": see above.
        ["*"],
    )

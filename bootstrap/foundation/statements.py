"""What each role may do, as IAM statements: plain data, made of names that are known before anything exists.

Actions and what they can be restricted to are those of the service authorization reference; which calls the AWS
provider makes for a resource type was recorded from the provider itself. Where AWS can't restrict an action to names,
the statement says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Statement = Mapping[str, Any]

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

    def bucket(self, name: str = "") -> str:
        """The ARN of a bucket, or of an object in it; by default of every bucket of the stack."""
        return f"arn:{self.partition}:s3:::{name or self.prefix + '-*'}"


def allow(actions: Sequence[str], resources: Sequence[str], condition: Mapping[str, Any] | None = None) -> Statement:
    """A statement that allows actions on resources."""
    statement: dict[str, Any] = {"Effect": "Allow", "Action": sorted(actions), "Resource": list(resources)}
    return {**statement, "Condition": condition} if condition else statement


def _actions(service: str, names: str) -> list[str]:
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
    return [
        # The literal "*": AWS authorizes these on no resource, or on ids that say nothing of the stack.
        allow(
            [
                *_actions("batch", "Describe* List*"),
                *_actions("cloudfront", "Get* List*"),
                *_actions("cloudwatch", "DescribeAlarms GetDashboard ListTagsForResource"),
                *_actions("ec2", "Describe*"),
                *_actions("ecr", "GetAuthorizationToken DescribeRepositories"),
                *_actions("ecs", "Describe* List*"),
                *_actions("lambda", "GetCodeSigningConfig List*"),
                *_actions("logs", "DescribeLogGroups ListTagsForResource"),
                *_actions("sns", "GetSubscriptionAttributes ListTopics"),
                *_actions("tag", "GetResources"),
            ],
            ["*"],
        ),
        # A REST API, a key and a usage plan have ids, not names.
        allow(["apigateway:GET"], [f"arn:{place.partition}:apigateway:{place.region}::/*"]),
        allow(
            _actions("ecr", "DescribeImages GetLifecyclePolicy GetRepositoryPolicy ListTagsForResource"),
            [place.arn("ecr", f"repository/{place.prefix}/*")],
        ),
        allow(
            _actions(
                "iam",
                "GetRole GetRolePolicy ListAttachedRolePolicies ListInstanceProfilesForRole ListRolePolicies",
            )
            + _actions("iam", "ListRoleTags"),
            [place.global_arn("iam", f"role/{place.prefix}-*")],
        ),
        allow(
            _actions("lambda", "GetAlias GetFunction* GetPolicy GetRuntimeManagementConfig"),
            [place.arn("lambda", f"function:{place.prefix}-*")],
        ),
        allow(
            [
                *_actions("s3", "GetAccelerateConfiguration GetBucket* GetEncryptionConfiguration"),
                *_actions("s3", "GetLifecycleConfiguration GetReplicationConfiguration ListBucket"),
            ],
            [place.bucket()],
        ),
        # Of objects only those of the docs site, which the stack itself uploads.
        allow(_actions("s3", "GetObject GetObjectTagging"), [place.bucket(f"{place.prefix}-docs-*/*")]),
        allow(
            _actions("dynamodb", "DescribeContinuousBackups DescribeTable DescribeTimeToLive ListTagsOfResource"),
            [place.arn("dynamodb", f"table/{place.prefix}-*")],
        ),
        allow(
            _actions("events", "DescribeRule ListTagsForResource ListTargetsByRule"),
            [place.arn("events", f"rule/{place.prefix}-*")],
        ),
        allow(
            _actions("sns", "GetTopicAttributes ListSubscriptionsByTopic ListTagsForResource"),
            [place.arn("sns", f"{place.prefix}-*")],
        ),
    ]


def write_services(place: Place, *, builds: bool) -> list[Statement]:
    """Create, change and delete what has a name that tells its stack; with `builds` push images for others, too."""
    prefix = place.prefix
    repositories = [place.arn("ecr", f"repository/{prefix}/*")]
    shared = place.arn("ecr", f"repository/{place.project}-shared/*")
    logs = [place.arn("logs", f"log-group:/aws/{kind}/{prefix}-*") for kind in ("apigateway", "batch", "ecs", "lambda")]
    pushed = [*repositories, shared] if builds else repositories
    return [
        allow(
            _actions("batch", "CreateComputeEnvironment DeleteComputeEnvironment UpdateComputeEnvironment")
            + _actions("batch", "CreateJobQueue DeleteJobQueue UpdateJobQueue")
            + _actions("batch", "DeregisterJobDefinition RegisterJobDefinition TagResource UntagResource"),
            [place.arn("batch", f"{kind}/{prefix}-*") for kind in ("compute-environment", "job-definition")]
            + place.job_queues,
        ),
        allow(
            _actions("ecr", "CreateRepository DeleteLifecyclePolicy DeleteRepository DeleteRepositoryPolicy")
            + _actions("ecr", "PutImageScanningConfiguration PutImageTagMutability PutLifecyclePolicy")
            + _actions("ecr", "SetRepositoryPolicy TagResource UntagResource BatchDeleteImage"),
            repositories,
        ),
        allow(
            _actions("ecr", "BatchCheckLayerAvailability BatchGetImage CompleteLayerUpload DescribeImages")
            + _actions("ecr", "GetDownloadUrlForLayer InitiateLayerUpload PutImage UploadLayerPart"),
            pushed,
        ),
        allow(_actions("ecr", "BatchGetImage DescribeImages GetDownloadUrlForLayer"), [shared]),
        allow(
            _actions("lambda", "AddPermission CreateAlias CreateFunction DeleteAlias DeleteFunction")
            + _actions("lambda", "DeleteFunctionConcurrency DeleteFunctionEventInvokeConfig PublishVersion")
            + _actions("lambda", "PutFunctionConcurrency PutFunctionEventInvokeConfig RemovePermission TagResource")
            + _actions("lambda", "UntagResource UpdateAlias UpdateFunctionCode UpdateFunctionConfiguration"),
            [place.arn("lambda", f"function:{prefix}-*")],
        ),
        allow(
            _actions("logs", "CreateLogGroup DeleteLogGroup DeleteRetentionPolicy PutRetentionPolicy")
            + _actions("logs", "TagResource UntagResource DeleteMetricFilter PutMetricFilter"),
            logs,
        ),
        allow(
            _actions("s3", "CreateBucket DeleteBucket DeleteBucketPolicy DeleteBucketWebsite PutBucketCORS")
            + _actions("s3", "PutBucketOwnershipControls PutBucketPolicy PutBucketPublicAccessBlock PutBucketTagging")
            + _actions("s3", "PutBucketVersioning PutBucketWebsite PutEncryptionConfiguration")
            + _actions("s3", "PutLifecycleConfiguration ListBucketVersions"),
            [place.bucket()],
        ),
        # Emptying a bucket is part of deleting a stack whose data isn't protected.
        allow(
            _actions("s3", "DeleteObject DeleteObjectVersion PutObject PutObjectTagging"),
            [place.bucket(f"{prefix}-*/*")],
        ),
        allow(
            _actions("dynamodb", "CreateTable DeleteTable TagResource UntagResource UpdateContinuousBackups")
            + _actions("dynamodb", "UpdateTable UpdateTimeToLive"),
            [place.arn("dynamodb", f"table/{prefix}-*")],
        ),
        allow(
            _actions("events", "DeleteRule PutRule PutTargets RemoveTargets TagResource UntagResource"),
            [place.arn("events", f"rule/{prefix}-*")],
        ),
        allow(
            _actions("sns", "CreateTopic DeleteTopic SetTopicAttributes Subscribe TagResource UntagResource"),
            [place.arn("sns", f"{prefix}-*")],
        ),
        # The literal "*": an ARN of a subscription ends in an id; Unsubscribe knows no other resource.
        allow(["sns:Unsubscribe"], ["*"]),
        allow(
            _actions(
                "cloudwatch", "DeleteAlarms DeleteDashboards PutDashboard PutMetricAlarm TagResource UntagResource"
            ),
            [place.arn("cloudwatch", f"alarm:{prefix}-*"), place.global_arn("cloudwatch", f"dashboard/{prefix}-*")],
        ),
        allow(
            _actions("ecs", "CreateCluster CreateService DeleteCluster DeleteService RegisterTaskDefinition")
            + _actions("ecs", "TagResource UntagResource UpdateCluster UpdateService"),
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
    gateway = f"arn:{place.partition}:apigateway:{place.region}::"
    kinds = ("apikeys", "restapis", "usageplans")
    paths = [f"{gateway}/{kind}{rest}" for kind in kinds for rest in ("", "/*")]
    distribution = [place.global_arn("cloudfront", "distribution/*")]
    owned = {"aws:ResourceTag/Project": place.project, "aws:ResourceTag/Stack": place.stack}
    return [
        allow(_actions("apigateway", "DELETE PATCH POST PUT"), [*paths, f"{gateway}/tags/*"]),
        # The literal "*": what is yet to be created has no ARN here.
        allow(
            ["cloudfront:CreateDistribution"],
            ["*"],
            {"StringEquals": {"aws:RequestTag/Project": place.project, "aws:RequestTag/Stack": place.stack}},
        ),
        allow(_actions("cloudfront", "CreateOriginAccessControl CreateResponseHeadersPolicy"), ["*"]),
        # The tags of a distribution come with its creation, when it has none yet that could be asked for.
        allow(
            ["cloudfront:TagResource"],
            distribution,
            {"StringEquals": {"aws:RequestTag/Project": place.project, "aws:RequestTag/Stack": place.stack}},
        ),
        allow(
            _actions(
                "cloudfront", "CreateInvalidation DeleteDistribution TagResource UntagResource UpdateDistribution"
            ),
            distribution,
            {"StringEquals": owned},
        ),
        allow(
            _actions("cloudfront", "DeleteOriginAccessControl UpdateOriginAccessControl"),
            [place.global_arn("cloudfront", "origin-access-control/*")],
        ),
        allow(
            _actions("cloudfront", "DeleteResponseHeadersPolicy UpdateResponseHeadersPolicy"),
            [place.global_arn("cloudfront", "response-headers-policy/*")],
        ),
    ]


def _write_network(place: Place) -> list[Statement]:
    """EC2 gives ids, too; here tags tell the stacks apart, from the moment of creation."""
    kinds = {kind: place.arn("ec2", f"{kind}/*") for kind in _CREATED_NETWORK}
    created = {"aws:RequestTag/Project": place.project, "aws:RequestTag/Stack": place.stack}
    owned = {"aws:ResourceTag/Project": place.project, "aws:ResourceTag/Stack": place.stack}
    inside_vpc = _actions("ec2", "CreateInternetGateway CreateRouteTable CreateSecurityGroup CreateSubnet")
    return [
        allow(["ec2:CreateVpc"], [kinds["vpc"]], {"StringEquals": created}),
        allow(inside_vpc, [arn for kind, arn in kinds.items() if kind != "vpc"], {"StringEquals": created}),
        # The network that they are created in; a security group may be in the account's default VPC, which has no tags.
        allow(_actions("ec2", "CreateRouteTable CreateSubnet"), [kinds["vpc"]], {"StringEquals": owned}),
        allow(["ec2:CreateSecurityGroup"], [kinds["vpc"]]),
        allow(
            ["ec2:CreateTags"],
            list(kinds.values()),
            {"StringEquals": {"ec2:CreateAction": [item.split(":")[1] for item in (*inside_vpc, "ec2:CreateVpc")]}},
        ),
        allow(
            _actions("ec2", "AssociateRouteTable AttachInternetGateway AuthorizeSecurityGroupEgress CreateRoute")
            + _actions("ec2", "CreateTags DeleteInternetGateway DeleteRoute DeleteRouteTable DeleteSecurityGroup")
            + _actions("ec2", "DeleteSubnet DeleteTags DeleteVpc DetachInternetGateway DisassociateRouteTable")
            + _actions("ec2", "ModifySubnetAttribute ModifyVpcAttribute ReplaceRoute ReplaceRouteTableAssociation")
            + _actions("ec2", "RevokeSecurityGroupEgress RevokeSecurityGroupIngress"),
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
        allow(_actions("iam", "CreateRole DeleteRolePolicy PutRolePermissionsBoundary PutRolePolicy"), roles, bounded),
        allow(
            _actions("iam", "DeleteRole TagRole UntagRole UpdateAssumeRolePolicy UpdateRole UpdateRoleDescription"),
            roles,
        ),
        allow(["iam:PassRole"], roles, passed),
        allow(
            ["iam:CreateServiceLinkedRole"],
            [place.global_arn("iam", "role/aws-service-role/*")],
            {"StringEquals": {"iam:AWSServiceName": [f"{service}.amazonaws.com" for service in linked]}},
        ),
    ]


def workload_boundary(place: Place) -> list[Statement]:
    """The most that a role made by a deployment can do, whatever its own policy says: work with its own stack."""
    prefix = place.prefix
    return [
        # The literal "*": AWS authorizes these on no resource.
        allow(
            [
                *_actions("batch", "DescribeJobs ListJobs"),
                *_actions("ecr", "GetAuthorizationToken"),
                *_actions("xray", "PutTelemetryRecords PutTraceSegments"),
            ],
            ["*"],
        ),
        allow(
            _actions("batch", "CancelJob SubmitJob TagResource TerminateJob"),
            [place.arn("batch", f"job-definition/{prefix}-*"), *place.job_queues, place.arn("batch", "job/*")],
        ),
        allow(
            _actions("dynamodb", "DeleteItem GetItem PutItem Query UpdateItem"),
            [place.arn("dynamodb", f"table/{prefix}-*")],
        ),
        allow(
            _actions("ecr", "BatchCheckLayerAvailability BatchGetImage GetDownloadUrlForLayer"),
            [place.arn("ecr", f"repository/{place.project}-*")],
        ),
        allow(
            _actions("logs", "CreateLogStream FilterLogEvents GetLogEvents PutLogEvents"),
            [place.arn("logs", f"log-group:/aws/*/{prefix}-*")],
        ),
        allow(
            _actions("s3", "AbortMultipartUpload DeleteObject GetObject ListBucket PutObject"),
            [place.bucket(), place.bucket(f"{prefix}-*/*")],
        ),
        allow(["lambda:InvokeFunction"], [place.arn("lambda", f"function:{prefix}-*")]),
        allow(["sns:Publish"], [place.arn("sns", f"{prefix}-*")]),
        allow(["sqs:SendMessage"], [place.arn("sqs", f"{prefix}-*")]),
        allow(["ses:SendEmail", "ses:SendRawEmail"], [place.arn("ses", "identity/*")]),
    ]


def preview_lookups() -> Statement:
    """What a preview asks of AWS besides the state: the answers to the program's own look-ups."""
    # The literal "*": AWS authorizes these on no resource.
    return allow(
        [
            *_actions("ec2", "DescribeAvailabilityZones DescribeSecurityGroups DescribeSubnets DescribeVpcs"),
            "ecr:GetAuthorizationToken",
        ],
        ["*"],
    )


def deploy_boundary(place: Place, name: str, bucket: str) -> list[Statement]:
    """The most that any deploy role can do, whatever is attached to it: the services of a stack, in its region, and
    nothing of what this project itself made.

    Args:
        place: any stack of the account.
        name: what the names of this project's own resources begin with.
        bucket: the state bucket.
    """
    services = "apigateway batch cloudfront cloudwatch dynamodb ec2 ecr ecs events lambda logs s3 sns tag"
    own = [place.global_arn("iam", f"{kind}/{name}-*") for kind in ("policy", "role")]
    return [
        # The literal "*": a boundary grants nothing, it bounds what the role's own policies name exactly.
        allow(
            [f"{service}:*" for service in services.split()],
            ["*"],
            {"StringEqualsIfExists": {"aws:RequestedRegion": sorted({place.region, "us-east-1"})}},
        ),
        allow(
            [
                *_actions("iam", "CreateRole CreateServiceLinkedRole DeleteRole DeleteRolePolicy Get* List* PassRole"),
                *_actions("iam", "PutRolePermissionsBoundary PutRolePolicy TagRole UntagRole UpdateAssumeRolePolicy"),
                *_actions("iam", "UpdateRole UpdateRoleDescription"),
                *_actions("kms", "Decrypt Encrypt"),
            ],
            ["*"],
        ),
        {"Effect": "Deny", "NotAction": ["iam:Get*", "iam:List*"], "Resource": own},
        {
            "Effect": "Deny",
            "Action": ["s3:DeleteBucket*", "s3:DeleteObjectVersion", "s3:PutBucket*", "s3:PutLifecycleConfiguration"],
            "Resource": [place.bucket(bucket), place.bucket(f"{bucket}/*")],
        },
    ]

"""The two boundaries: policies that grant nothing, and that nothing which is attached to a role can reach beyond."""

from foundation.key_statements import bound_keys
from foundation.statements import Place, Statement, actions, allow


def workload_boundary(place: Place) -> list[Statement]:
    """The most that a role made by a deployment can do, whatever its own policy says: work with its own stack."""
    prefix = place.prefix
    return [
        # The literal "*": AWS authorizes these on no resource.
        allow(
            [
                *actions("batch", "DescribeJobs ListJobs"),
                *actions("ecr", "GetAuthorizationToken"),
                *actions("xray", "PutTelemetryRecords PutTraceSegments"),
            ],
            ["*"],
        ),
        allow(
            actions("batch", "CancelJob SubmitJob TagResource TerminateJob"),
            [place.arn("batch", f"job-definition/{prefix}-*"), *place.job_queues, place.arn("batch", "job/*")],
        ),
        allow(
            actions("dynamodb", "DeleteItem GetItem PutItem Query UpdateItem"),
            [place.arn("dynamodb", f"table/{prefix}-*")],
        ),
        allow(
            actions("ecr", "BatchCheckLayerAvailability BatchGetImage GetDownloadUrlForLayer"),
            [place.arn("ecr", f"repository/{place.project}-*"), place.shared_repositories],
        ),
        allow(
            actions("logs", "CreateLogStream FilterLogEvents GetLogEvents PutLogEvents"),
            [place.arn("logs", f"log-group:/aws/*/{prefix}-*")],
        ),
        allow(
            actions("s3", "AbortMultipartUpload DeleteObject GetObject ListBucket PutObject"),
            [place.bucket(), place.bucket(f"{prefix}-*/*")],
        ),
        allow(["lambda:InvokeFunction"], [place.arn("lambda", f"function:{prefix}-*")]),
        allow(["sns:Publish"], [place.arn("sns", f"{prefix}-*")]),
        allow(["sqs:SendMessage"], [place.arn("sqs", f"{prefix}-*")]),
        allow(["events:PutEvents"], [place.arn("events", f"event-bus/{name}") for name in ("default", f"{prefix}-*")]),
        allow(["ses:SendEmail", "ses:SendRawEmail"], [place.arn("ses", "identity/*")]),
    ]


def deploy_boundary(place: Place, name: str, bucket: str, key_alias: str) -> list[Statement]:
    """The most that any deploy role can do, whatever is attached to it: the services of a stack, in its region, and
    nothing of what this project itself made.

    Args:
        place: any stack of the account.
        name: what the names of this project's own resources begin with.
        bucket: the state bucket.
        key_alias: of the key that the states' secrets are encrypted with.
    """
    services = "apigateway batch cloudfront cloudwatch dynamodb ec2 ecr ecs events lambda logs s3 sns sqs"
    own = [place.global_arn("iam", f"{kind}/{name}-*") for kind in ("policy", "role")]
    return [
        # The literal "*": a boundary grants nothing, it bounds what the role's own policies name exactly.
        allow(
            [f"{service}:*" for service in services.split()],
            ["*"],
            {"StringEqualsIfExists": {"aws:RequestedRegion": sorted({place.region, "us-east-1"})}},
        ),
        allow(
            actions("iam", "CreateRole DeleteRole DeleteRolePolicy GetRole GetRolePolicy PassRole PutRolePolicy")
            + actions("iam", "ListAttachedRolePolicies ListInstanceProfilesForRole ListRolePolicies ListRoleTags")
            + actions("iam", "PutRolePermissionsBoundary TagRole UntagRole UpdateAssumeRolePolicy UpdateRole")
            + actions("iam", "UpdateRoleDescription"),
            [place.global_arn("iam", f"role/{place.project}-*")],
        ),
        allow(["iam:CreateServiceLinkedRole"], [place.global_arn("iam", "role/aws-service-role/*")]),
        allow(["kms:Decrypt", "kms:Encrypt"], [place.arn("kms", "key/*")]),
        *bound_keys(place, key_alias),
        {"Effect": "Deny", "NotAction": ["iam:GetRole", "iam:ListRoleTags"], "Resource": own},
        {
            "Effect": "Deny",
            "Action": ["s3:DeleteBucket*", "s3:DeleteObjectVersion", "s3:PutBucket*", "s3:PutLifecycleConfiguration"],
            "Resource": [place.bucket(bucket), place.bucket(f"{bucket}/*")],
        },
    ]

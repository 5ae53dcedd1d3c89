"""IAM actions for which AWS accepts no resource but `*`, and that do no harm there.

From the service authorization reference ("Actions, resources, and condition keys for AWS services"): each has an empty
column of resource types. A test compares them with that reference's data.
"""

from collections.abc import Mapping
from typing import Final

WITHOUT_RESOURCE: Final[Mapping[str, tuple[str, ...]]] = {
    "batch": (
        "DescribeComputeEnvironments",
        "DescribeJobDefinitions",
        "DescribeJobQueues",
        "DescribeJobs",
        "DescribeSchedulingPolicies",
        "ListJobs",
        "ListSchedulingPolicies",
    ),
    "cloudwatch": ("DescribeAlarmsForMetric", "GetMetricData", "GetMetricStatistics", "ListMetrics", "PutMetricData"),
    "dynamodb": ("DescribeLimits", "ListTables"),
    "ec2": (
        "DescribeAvailabilityZones",
        "DescribeInstances",
        "DescribeInstanceTypes",
        "DescribeNetworkInterfaces",
        "DescribeRegions",
        "DescribeRouteTables",
        "DescribeSecurityGroups",
        "DescribeSubnets",
        "DescribeVpcEndpoints",
        "DescribeVpcs",
    ),
    "ec2messages": ("AcknowledgeMessage", "DeleteMessage", "FailMessage", "GetEndpoint", "GetMessages", "SendReply"),
    "ecr": ("DescribeRegistry", "GetAuthorizationToken", "GetRegistryScanningConfiguration"),
    "ecr-public": ("GetAuthorizationToken",),
    "ecs": ("DescribeTaskDefinition", "DiscoverPollEndpoint", "ListClusters", "ListTaskDefinitions"),
    "events": ("ListRules", "TestEventPattern"),
    "kms": ("GenerateRandom", "ListAliases", "ListKeys"),
    "lambda": ("GetAccountSettings", "ListFunctions"),
    "logs": ("DescribeLogGroups", "DescribeQueries", "StopQuery"),
    "s3": ("ListAllMyBuckets",),
    "secretsmanager": ("GetRandomPassword", "ListSecrets"),
    "sns": ("ListSubscriptions", "ListTopics"),
    "sqs": ("ListQueues",),
    "ssm": ("DescribeParameters",),
    "ssmmessages": ("CreateControlChannel", "CreateDataChannel", "OpenControlChannel", "OpenDataChannel"),
    "sts": ("DecodeAuthorizationMessage", "GetCallerIdentity"),
    "tag": ("GetResources",),
    "xray": (
        "GetSamplingRules",
        "GetSamplingStatisticSummaries",
        "GetSamplingTargets",
        "PutTelemetryRecords",
        "PutTraceSegments",
    ),
}

ACTIONS: Final = frozenset(f"{service}:{name}".lower() for service, names in WITHOUT_RESOURCE.items() for name in names)

"""What is in the sandbox's emulator: after a destroy there should be nothing."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol


class Clients(Protocol):
    """AWS clients by their botocore names."""

    def __call__(self, service: str) -> Any: ...


def find_leftovers(client: Clients) -> list[str]:
    """Each resource that is still there, `kind name`. What AWS keeps itself, or forgets later, isn't counted: a default
    VPC with what belongs to it, inactive job and task definitions, and keys that wait for their end."""
    return [f"{kind} {name}" for kind, find in _FINDERS.items() for name in find(client)]


def _names(
    service: str, operation: str, items: str, name: str = "", **arguments: Any
) -> Callable[[Clients], list[str]]:
    """Lists by one operation: the `name` member of each item of the list `items`; the item itself without a name."""

    def find(client: Clients) -> list[str]:
        answer: Mapping[str, Any] = getattr(client(service), operation)(**arguments)
        return [str(item[name] if name else item) for item in answer.get(items, [])]

    return find


def _vpcs(client: Clients) -> Iterator[str]:
    for vpc in client("ec2").describe_vpcs()["Vpcs"]:
        if not vpc.get("IsDefault"):
            yield vpc["VpcId"]


def _in_own_vpcs(operation: str, items: str, name: str) -> Callable[[Clients], list[str]]:
    def find(client: Clients) -> list[str]:
        own = set(_vpcs(client))
        answer = getattr(client("ec2"), operation)()
        return [item[name] for item in answer[items] if item.get("VpcId") in own]

    return find


def _gateways(client: Clients) -> Iterator[str]:
    own = set(_vpcs(client))
    for gateway in client("ec2").describe_internet_gateways()["InternetGateways"]:
        attached = {item.get("VpcId") for item in gateway.get("Attachments", [])}
        if not attached or attached & own:
            yield gateway["InternetGatewayId"]


def _keys(client: Clients) -> Iterator[str]:
    kms = client("kms")
    for key in kms.list_keys()["Keys"]:
        state = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"]
        if state != "PendingDeletion":
            yield key["KeyId"]


_FINDERS: Mapping[str, Callable[[Clients], Any]] = {
    "repository": _names("ecr", "describe_repositories", "repositories", "repositoryName"),
    "job queue": _names("batch", "describe_job_queues", "jobQueues", "jobQueueName"),
    "compute environment": _names(
        "batch", "describe_compute_environments", "computeEnvironments", "computeEnvironmentName"
    ),
    "job definition": _names(
        "batch", "describe_job_definitions", "jobDefinitions", "jobDefinitionArn", status="ACTIVE"
    ),
    "function": _names("lambda", "list_functions", "Functions", "FunctionName"),
    "REST API": _names("apigateway", "get_rest_apis", "items", "name"),
    "API key": _names("apigateway", "get_api_keys", "items", "name"),
    "usage plan": _names("apigateway", "get_usage_plans", "items", "name"),
    "bucket": _names("s3", "list_buckets", "Buckets", "Name"),
    "table": _names("dynamodb", "list_tables", "TableNames"),
    "log group": _names("logs", "describe_log_groups", "logGroups", "logGroupName"),
    "role": _names("iam", "list_roles", "Roles", "RoleName"),
    "event rule": _names("events", "list_rules", "Rules", "Name"),
    "alarm": _names("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    "cluster": _names("ecs", "list_clusters", "clusterArns"),
    "task definition": _names("ecs", "list_task_definitions", "taskDefinitionArns", status="ACTIVE"),
    "queue": _names("sqs", "list_queues", "QueueUrls"),
    "key": _keys,
    "topic": _names("sns", "list_topics", "Topics", "TopicArn"),
    "VPC": _vpcs,
    "subnet": _in_own_vpcs("describe_subnets", "Subnets", "SubnetId"),
    "security group": _in_own_vpcs("describe_security_groups", "SecurityGroups", "GroupId"),
    "internet gateway": _gateways,
}

"""The checks of `slipway doctor` that ask AWS. Every call reads; what can't be read is a warning, never a change."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Protocol, cast

from botocore.exceptions import (  # pyright: ignore[reportMissingTypeStubs] - it has none
    BotoCoreError,
    ClientError,
)

from cli.doctor_finding import Finding, Status
from cli.registry.failures import EXPIRED, EXPIRED_LOGIN, INVALID, NO_LOGIN

_ABSENT: Final = frozenset(
    {"NoSuchEntity", "RepositoryNotFoundException", "ResourceNotFoundException", "NotFoundException"}
)
_FARGATE_VCPUS: Final = ("fargate", "L-3032A538")
_VPCS: Final = ("vpc", "L-F678F1CE")
_CONCURRENT_FUNCTIONS: Final = ("lambda", "L-B99A9384")
_SIGN_IN_AGAIN: Final = "Sign in again: aws sso login."
_SMALLEST_CONCURRENCY: Final = 10
"""What a new account gets; one busy pipeline fills it."""


class Session(Protocol):
    """A boto3 session."""

    def client(self, service: str) -> Any: ...


@dataclass(frozen=True, kw_only=True)
class LookedUpRepository:
    """A repository that the program asks for, and that another stack makes."""

    name: str
    account: str
    """Empty: the stack's own."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the account is asked for, from the settings and the offline preview."""

    project: str
    stack: str
    runs_jobs: bool
    """Else it has repositories alone."""
    max_vcpus: int
    """Of the stack's compute environment."""
    largest_job_vcpus: float
    network: str
    """`new`, `default` or `existing`."""
    subnet_ids: tuple[str, ...]
    allowed_accounts: tuple[str, ...]
    """Accounts that the stack may be deployed into; empty for any."""
    looked_up: tuple[LookedUpRepository, ...]
    names: Mapping[str, tuple[str, ...]]
    """Resource type -> the fixed names that a deployment takes."""


def check_credentials(session: Session, plan: Plan) -> Finding:
    """Who the calls are made as. Without an answer nothing else can be asked."""
    name = "credentials"
    try:
        identity = session.client("sts").get_caller_identity()
    except ClientError as error:
        code = _code(error)
        if code in EXPIRED:
            return Finding(name, Status.FAIL, f"expired ({code})", _SIGN_IN_AGAIN)
        if code in INVALID:
            return Finding(
                name, Status.FAIL, f"refused ({code})", "Check AWS_PROFILE, AWS_ACCESS_KEY_ID and the clock."
            )
        return Finding(name, Status.FAIL, str(error), "Check the credentials: aws sts get-caller-identity.")
    except (BotoCoreError, ValueError) as error:
        return no_answer(error)
    account, arn = str(identity["Account"]), str(identity["Arn"])
    if plan.allowed_accounts and account not in plan.allowed_accounts:
        allowed = ", ".join(plan.allowed_accounts)
        advice = f"The stack is for {allowed}: choose the profile of that account (AWS_PROFILE)."
        return Finding(name, Status.FAIL, f"account {account}", advice)
    if arn.endswith(":root"):
        return Finding(name, Status.WARN, arn, "Never work as the root user: use a role.")
    if ":user/" in arn:
        return Finding(name, Status.WARN, arn, "A long-lived key: use a role or SSO, which give keys that expire.")
    return Finding(name, Status.OK, arn)


def no_answer(error: BotoCoreError | ValueError) -> Finding:
    """Why AWS can't even be asked who the calls are made as."""
    advice = "Check the network, AWS_ENDPOINT_URL and proxies in the environment."
    if isinstance(error, EXPIRED_LOGIN):
        advice = _SIGN_IN_AGAIN
    elif isinstance(error, NO_LOGIN):
        advice = "Sign in (aws sso login), or set AWS_PROFILE to a profile that can."
    return Finding("credentials", Status.FAIL, str(error), advice)


def account_findings(session: Session, plan: Plan) -> Iterator[Finding]:
    """All that there is to ask once the credentials are good."""
    if plan.runs_jobs:
        for check in (_fargate_quota, _function_quota, _network, _gateway_log_role, _batch_role):
            yield _guarded(check, session, plan)
    if plan.looked_up:
        yield _guarded(_shared_repositories, session, plan)
    yield from _collisions(session, plan)


def _guarded(check: Callable[[Session, Plan], Finding], session: Session, plan: Plan) -> Finding:
    """The check's answer, or why there is none."""
    try:
        return check(session, plan)
    except (ClientError, BotoCoreError) as error:
        subject = check.__name__.strip("_").replace("_", " ")
        return Finding(subject, Status.WARN, f"not known: {error}", "Ask someone who may read it, or go on without.")


def _fargate_quota(session: Session, plan: Plan) -> Finding:
    quota = _quota(session, *_FARGATE_VCPUS)
    found = f"{quota:g} vCPU, the stack may use {plan.max_vcpus}, its largest job {plan.largest_job_vcpus:g}"
    advice = "Ask for more: aws service-quotas request-service-quota-increase --service-code fargate --quota-code "
    advice += f"{_FARGATE_VCPUS[1]} --desired-value {plan.max_vcpus}"
    if quota < plan.largest_job_vcpus:
        return Finding("fargate quota", Status.FAIL, found, advice)
    if quota < plan.max_vcpus:
        return Finding("fargate quota", Status.WARN, found, f"{advice}; until then jobs wait longer than they need to")
    return Finding("fargate quota", Status.OK, found)


def _function_quota(session: Session, _plan: Plan) -> Finding:
    quota = _quota(session, *_CONCURRENT_FUNCTIONS)
    found = f"{quota:g} functions at a time"
    if quota > _SMALLEST_CONCURRENCY:
        return Finding("function quota", Status.OK, found)
    advice = "Ask for more: aws service-quotas request-service-quota-increase --service-code lambda --quota-code "
    return Finding("function quota", Status.WARN, found, f"{advice}{_CONCURRENT_FUNCTIONS[1]} --desired-value 1000")


def _network(session: Session, plan: Plan) -> Finding:
    ec2 = session.client("ec2")
    if plan.network == "new":
        taken, quota = len(ec2.describe_vpcs()["Vpcs"]), _quota(session, *_VPCS)
        found = f"{taken} of {quota:g} VPCs are taken"
        if taken < quota:
            return Finding("network", Status.OK, found)
        advice = "Delete one, ask for more (quota L-F678F1CE), or set slipway:network to default or existing."
        return Finding("network", Status.FAIL, found, advice)
    if plan.network == "default":
        if ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]:
            return Finding("network", Status.OK, "the region has a default VPC")
        advice = "Set slipway:network to new, or make one: aws ec2 create-default-vpc."
        return Finding("network", Status.FAIL, "the region has no default VPC", advice)
    try:
        subnets = ec2.describe_subnets(SubnetIds=list(plan.subnet_ids))["Subnets"]
    except ClientError as error:
        if _code(error) != "InvalidSubnetID.NotFound":
            raise
        advice = "Correct slipway:network.subnetIds: they must be of this account and region."
        return Finding("network", Status.FAIL, str(error), advice)
    vpcs = {subnet["VpcId"] for subnet in subnets}
    if len(vpcs) > 1:
        return Finding("network", Status.FAIL, f"subnets of {len(vpcs)} VPCs", "Name subnets of one VPC.")
    return Finding("network", Status.OK, f"{len(subnets)} subnets in {', '.join(vpcs)}")


def _gateway_log_role(session: Session, _plan: Plan) -> Finding:
    role = session.client("apigateway").get_account().get("cloudwatchRoleArn")
    if role:
        return Finding("API log role", Status.OK, str(role))
    # One for each account and region: a stack that set it would break the logging of all others when it goes.
    advice = (
        "Needed for access logs of the API only. Set it once for the region, outside of any stack: "
        "aws apigateway update-account --patch-operations op=replace,path=/cloudwatchRoleArn,value=ROLE_ARN"
    )
    return Finding("API log role", Status.WARN, "API Gateway has no role for its logs", advice)


def _batch_role(session: Session, _plan: Plan) -> Finding:
    name = "AWSServiceRoleForBatch"
    try:
        session.client("iam").get_role(RoleName=name)
    except ClientError as error:
        if _code(error) not in _ABSENT:
            raise
        advice = "Batch makes it with the first compute environment, if you may iam:CreateServiceLinkedRole."
        return Finding("batch role", Status.WARN, f"{name} does not exist yet", advice)
    return Finding("batch role", Status.OK, f"{name} exists")


def _shared_repositories(session: Session, plan: Plan) -> Finding:
    """Whether the repositories of another stack are there: without them the program can't even be previewed."""
    ecr = session.client("ecr")
    for repository in plan.looked_up:
        registry = {"registryId": repository.account} if repository.account else {}
        name = repository.name
        call = partial(ecr.describe_repositories, repositoryNames=[name], **registry)
        if _unless_absent(call) is None:
            account = f"account {repository.account}" if repository.account else "this account"
            advice = "Deploy the stack that makes it first (pulumi up --stack shared), or set slipway:registry to own."
            return Finding("shared repositories", Status.FAIL, f"{name} is not in {account}", advice)
    return Finding("shared repositories", Status.OK, ", ".join(repository.name for repository in plan.looked_up))


def _quota(session: Session, service: str, code: str) -> float:
    quotas = session.client("service-quotas")
    try:
        return float(quotas.get_service_quota(ServiceCode=service, QuotaCode=code)["Quota"]["Value"])
    except ClientError as error:
        if _code(error) != "NoSuchResourceException":
            raise
        return float(quotas.get_aws_default_service_quota(ServiceCode=service, QuotaCode=code)["Quota"]["Value"])


def _collisions(session: Session, plan: Plan) -> Iterator[Finding]:
    """Fixed names that are taken: by this stack, which is fine once it is deployed, or by something else."""
    wanted = sum(len(plan.names.get(type_, ())) for type_ in _TAGS_OF)
    found = 0
    for type_, tags_of in _TAGS_OF.items():
        for name in plan.names.get(type_, ()):
            kind = type_.rpartition(":")[2]
            try:
                tags = tags_of(session, name)
            except (ClientError, BotoCoreError) as error:
                found += 1
                yield Finding("names", Status.WARN, f"{kind} {name} is not known: {error}", "Look by hand.")
                continue
            if tags is None:
                continue
            found += 1
            if (tags.get("Project"), tags.get("Stack")) == (plan.project, plan.stack):
                advice = "Fine if the stack is deployed already; otherwise it was left behind: delete it, or import it."
                yield Finding("names", Status.WARN, f"{kind} {name} exists, and is this stack's", advice)
            else:
                advice = "Delete or rename it, or give the project or the stack another name."
                yield Finding("names", Status.FAIL, f"{kind} {name} exists, and is not this stack's", advice)
    if not found:
        yield Finding("names", Status.OK, f"{wanted} names are free")


def _code(error: ClientError) -> str:
    """The code of an AWS error."""
    return str(cast("Any", error).response.get("Error", {}).get("Code", ""))


def _unless_absent(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except ClientError as error:
        if _code(error) in _ABSENT:
            return None
        raise


def _pairs(tags: object, key: str = "Key", value: str = "Value") -> dict[str, str]:
    return {item[key]: item[value] for item in cast("list[dict[str, str]]", tags or [])}


def _repository_tags(session: Session, name: str) -> dict[str, str] | None:
    ecr = session.client("ecr")
    found = _unless_absent(lambda: ecr.describe_repositories(repositoryNames=[name]))
    if found is None:
        return None
    return _pairs(ecr.list_tags_for_resource(resourceArn=found["repositories"][0]["repositoryArn"])["tags"])


def _role_tags(session: Session, name: str) -> dict[str, str] | None:
    found = _unless_absent(lambda: session.client("iam").get_role(RoleName=name))
    return None if found is None else _pairs(found["Role"].get("Tags"))


def _function_tags(session: Session, name: str) -> dict[str, str] | None:
    found = _unless_absent(lambda: session.client("lambda").get_function(FunctionName=name))
    return None if found is None else dict(found.get("Tags", {}))


def _log_group_tags(session: Session, name: str) -> dict[str, str] | None:
    logs = session.client("logs")
    groups = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    group = next((item for item in groups if item["logGroupName"] == name), None)
    if group is None:
        return None
    # The ARN of a log group ends in `:*` in one member and not in the other, depending on the age of the API.
    arn = str(group.get("logGroupArn") or group["arn"]).removesuffix(":*")
    return dict(logs.list_tags_for_resource(resourceArn=arn)["tags"])


def _queue_tags(session: Session, name: str) -> dict[str, str] | None:
    found = session.client("batch").describe_job_queues(jobQueues=[name])["jobQueues"]
    return dict(found[0].get("tags", {})) if found else None


def _table_tags(session: Session, name: str) -> dict[str, str] | None:
    dynamodb = session.client("dynamodb")
    found = _unless_absent(lambda: dynamodb.describe_table(TableName=name))
    if found is None:
        return None
    return _pairs(dynamodb.list_tags_of_resource(ResourceArn=found["Table"]["TableArn"])["Tags"])


def _rule_tags(session: Session, name: str) -> dict[str, str] | None:
    events = session.client("events")
    found = _unless_absent(lambda: events.describe_rule(Name=name))
    return None if found is None else _pairs(events.list_tags_for_resource(ResourceARN=found["Arn"])["Tags"])


_TAGS_OF: Final[Mapping[str, Callable[[Session, str], dict[str, str] | None]]] = {
    "aws:ecr/repository:Repository": _repository_tags,
    "aws:iam/role:Role": _role_tags,
    "aws:lambda/function:Function": _function_tags,
    "aws:cloudwatch/logGroup:LogGroup": _log_group_tags,
    "aws:batch/jobQueue:JobQueue": _queue_tags,
    "aws:dynamodb/table:Table": _table_tags,
    "aws:cloudwatch/eventRule:EventRule": _rule_tags,
}
"""How to ask for the tags of what has a name: None if there is no such thing. Buckets, APIs and networks take no fixed
name; a job definition of the same name gets a further revision."""
NAMED_TYPES: Final = frozenset(_TAGS_OF)


def allowed_accounts(value: object) -> tuple[str, ...]:
    """`aws:allowedAccountIds` of a stack file: a list, or a list as JSON."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return ()
    return tuple(str(item) for item in cast("list[object]", value)) if isinstance(value, list) else ()

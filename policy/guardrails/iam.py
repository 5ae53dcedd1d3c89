"""Rules for IAM: who may do what, who may become whom, and no keys that never end."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Final

from .iam_actions import ACTIONS
from .iam_documents import (
    ACTION,
    CONDITION,
    NOT_ACTION,
    NOT_PRINCIPAL,
    NOT_RESOURCE,
    RESOURCE,
    allows,
    is_narrowed,
    is_open_principal,
    member,
    principals,
    statements,
)
from .resources import Resource
from .rules import Finding, Level, NotApplicable, Rule, Settings, Severity, Violation, each
from .values import Node, shown

DOCUMENTS: Final = {
    "iam:Policy": "policy",
    "iam:RolePolicy": "policy",
    "iam:UserPolicy": "policy",
    "iam:GroupPolicy": "policy",
    "ssoadmin:PermissionSetInlinePolicy": "inlinePolicy",
}
ROLE: Final = "iam:Role"
ATTACHMENTS: Final = ("policyArn", "policyArns", "managedPolicyArn")
"""Where attachments name policies; a resource has one of them."""
ROLE_PASSING: Final = "iam:passrole"
EXACT_OPERATORS: Final = frozenset({"stringequals", "stringequalsignorecase", "stringlike"})
IDENTITY_KEYS: Final = {
    "cognito-identity.amazonaws.com": (":aud",),
    "accounts.google.com": (":sub", ":aud", ":oaud"),
    "www.amazon.com": (":app_id", ":user_id"),
    "graph.facebook.com": (":app_id", ":id"),
}
"""Condition keys that name the caller, for providers that have no exact `sub`."""
SERVICE_AND_REGION: Final = 5
"""Colons before the resource part of an ARN."""


def documents(resource: Resource) -> list[Node]:
    """The permission policies of a resource; none for a role without inline policies."""
    key = DOCUMENTS.get(resource.kind)
    if key:
        return [resource[key]]
    return [item["policy"] for item in resource["inlinePolicies"].items() if not item["policy"].missing]


def check_no_star(resource: Resource, settings: Settings) -> Iterator[Finding]:
    found = documents(resource)
    if not found:
        yield NotApplicable("the role has no inline policies")
        return
    accepted = ACTIONS | {action.lower() for action in settings.texts("actionsWithoutResource")}
    yield from each(found, lambda document: each(statements(document), lambda item: _check_stars(item, accepted)))


def _check_stars(statement: Node, accepted: frozenset[str]) -> Iterator[Finding]:
    if not allows(statement):
        return
    for key in (NOT_ACTION, NOT_RESOURCE):
        excluded = member(statement, key)
        if excluded.known and not excluded.missing:
            yield Violation(found=f"{excluded.path} allows everything else", expected="listed actions and resources")
    actions, resources = member(statement, ACTION), member(statement, RESOURCE)
    yield from each(actions.items(or_single=True), _check_action)
    stars = [item for item in resources.items(or_single=True) if item.known and is_star(item.text())]
    if stars:
        named = [item.text() for item in actions.items(or_single=True)]
        beyond = [action for action in named if action.lower() not in accepted and not _is_service_star(action)]
        if beyond:
            listed = ", ".join(beyond[:3]) + (" and others" if beyond[3:] else "")
            yield Violation(
                found=f"{stars[0].path} is {shown(stars[0].text())} for {shown(listed)}",
                expected="the ARNs that it needs; * only for actions that take no resource",
            )
    for item in resources.items(or_single=True):
        # Not readable yet: raises, and the runner says so.
        item.text()


def _check_action(action: Node) -> Iterator[Finding]:
    if _is_service_star(action.text()):
        yield Violation(found=f"{action.path} is {shown(action.text())}", expected="the actions that it needs")


def _is_service_star(action: str) -> bool:
    service, _, name = action.partition(":")
    return "*" in service or set(name) == {"*"}


def is_star(resource: str) -> bool:
    """Whether a resource stands for all of a service or of everything, whatever the account and region."""
    if not resource.startswith("arn:"):
        return set(resource) == {"*"}
    parts = resource.split(":", SERVICE_AND_REGION)
    return len(parts) <= SERVICE_AND_REGION or (bool(parts[-1]) and set(parts[-1]) <= {"*", "/", ":"})


NO_STAR: Final = Rule(
    id="iam-no-star",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    title="No wildcard permissions",
    description="IAM policies allow listed actions on listed resources; `*` only for actions that take no resource.",
    why="A wildcard grants what nobody reviewed, today's resources and next year's actions included.",
    fix="List the actions, and the ARNs from the outputs of the resources. Exempt nothing that can name its resource.",
    link="https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html#grant-least-privilege",
    kinds=(*DOCUMENTS, ROLE),
    peers=("checkov CKV_AWS_63, 355 and 356", "trivy AWS-0057", "cdk-nag IAM5", "Security Hub IAM.21"),
    schema={
        "actionsWithoutResource": {
            "type": "array",
            "items": {"type": "string"},
            "default": [],
            "description": "Further actions, as service:Action, for which the resource * is accepted.",
        }
    },
    check=check_no_star,
)


def check_passrole_scoped(resource: Resource, _settings: Settings) -> Iterator[Finding]:
    found = documents(resource)
    if not found:
        yield NotApplicable("the role has no inline policies")
        return
    yield from each(found, lambda document: each(statements(document), _check_passed_roles))


def _check_passed_roles(statement: Node) -> Iterator[Finding]:
    if not allows(statement) or not _passes_roles(statement):
        return
    excluded = member(statement, NOT_RESOURCE)
    if not excluded.missing:
        yield Violation(found=f"{excluded.path} leaves every other role", expected="the ARNs of the roles to pass")
    yield from each(member(statement, RESOURCE).items(or_single=True), _check_passed_role)


def _passes_roles(statement: Node) -> bool:
    excluded = member(statement, NOT_ACTION)
    if not excluded.missing:
        return not any(_matches_pass_role(item.text()) for item in excluded.items(or_single=True))
    return any(_matches_pass_role(item.text()) for item in member(statement, ACTION).items(or_single=True))


def _matches_pass_role(action: str) -> bool:
    return fnmatchcase(ROLE_PASSING, action.lower())


def _check_passed_role(resource: Node) -> Iterator[Finding]:
    text = resource.text()
    name = text.rpartition(":role/")[2]
    if is_star(text) or set(name) <= {"*", "/"}:
        yield Violation(found=f"{resource.path} lets it pass {shown(text)}", expected="the ARNs of the roles to pass")


PASSROLE_SCOPED: Final = Rule(
    id="iam-passrole-scoped",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    title="iam:PassRole names its roles",
    description="Who may pass roles may pass listed roles only.",
    why="PassRole on every role is administrator access in two steps: start a function with the strongest role.",
    fix="Set Resource to the ARNs of the roles, and add a condition on iam:PassedToService.",
    link="https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html",
    kinds=(*DOCUMENTS, ROLE),
    peers=("checkov CKV_AWS_110", "cloudsplaining (privilege escalation)"),
    check=check_passrole_scoped,
)


def check_trust_scoped(resource: Resource, _settings: Settings) -> Iterator[Finding]:
    yield from each(statements(resource["assumeRolePolicy"]), _check_trust)


def _check_trust(statement: Node) -> Iterator[Finding]:
    if not allows(statement):
        return
    excluded = member(statement, NOT_PRINCIPAL)
    if not excluded.missing:
        yield Violation(found=f"{excluded.path} trusts everybody else", expected="listed principals")
        return

    def check(trusted: tuple[str, Node]) -> Iterator[Finding]:
        kind, principal = trusted
        text = principal.text()
        if is_open_principal(text) and not is_narrowed(statement):
            yield Violation(found=f"{principal.path} trusts {kind} {shown(text)}", expected="listed principals")
        elif kind == "Federated" and _is_web_identity(text) and not _names_subject(statement, text):
            keys = " or ".join(key.removeprefix(":") for key in _identity_keys(text))
            yield Violation(
                found=f"{principal.path} trusts every identity of {shown(text.rpartition('oidc-provider/')[2])}",
                expected=f"a StringEquals condition on its {keys}, without wildcards",
            )

    yield from each(principals(statement), check)


def _is_web_identity(principal: str) -> bool:
    return "saml-provider/" not in principal


def _identity_keys(principal: str) -> tuple[str, ...]:
    return IDENTITY_KEYS.get(principal, (":sub",))


def _names_subject(statement: Node, principal: str) -> bool:
    keys = _identity_keys(principal)
    for operator, conditions in member(statement, CONDITION).fields().items():
        if operator.lower().removeprefix("foranyvalue:") not in EXACT_OPERATORS:
            continue
        for key, values in conditions.fields().items():
            listed = [item.text() for item in values.items(or_single=True)]
            exact = all(value and "*" not in value and "?" not in value for value in listed)
            if key.lower().endswith(keys) and listed and exact:
                return True
    return False


TRUST_SCOPED: Final = Rule(
    id="iam-trust-scoped",
    level=Level.MANDATORY,
    severity=Severity.CRITICAL,
    title="Roles trust listed principals",
    description="A role is assumed by listed principals; by an OIDC provider's identities only with an exact subject.",
    why="A trust in a whole provider, such as GitHub Actions, lets every repository of the world assume the role.",
    fix="List the principals, and for OIDC add StringEquals on <provider>:sub with the full subject, and on :aud.",
    link="https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html",
    kinds=(ROLE,),
    peers=(
        "checkov CKV_AWS_60, 61 and 358",
        "cloudsplaining (trust)",
        "prowler iam_role_cross_service_confused_deputy",
    ),
    check=check_trust_scoped,
)


def check_no_users_or_keys(resource: Resource, _settings: Settings) -> Iterator[Finding]:
    # The type alone decides, whatever isn't known yet.
    yield Violation(found=f"is a {resource.type.rpartition(':')[2]}", expected="roles, with credentials that end")


NO_USERS_OR_KEYS: Final = Rule(
    id="iam-no-users-or-keys",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    title="No IAM users or access keys",
    description="A stack makes no IAM users, access keys or passwords.",
    why="Their credentials never end, lie in the stack's state, and are the most common way into an account.",
    fix="Use a role: OIDC for CI, Identity Center for people, the service's own role for programs.",
    link="https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html#bp-workloads-use-roles",
    kinds=(
        "iam:User",
        "iam:AccessKey",
        "iam:UserLoginProfile",
        "iam:ServiceSpecificCredential",
        "iam:SshKey",
        "aws-native:iam:User",
        "aws-native:iam:AccessKey",
    ),
    peers=("checkov CKV_AWS_273", "Security Hub IAM.3"),
    check=check_no_users_or_keys,
)


def check_no_admin_policies(resource: Resource, settings: Settings) -> Iterator[Finding]:
    denied = settings.texts("deniedPolicies")

    def check(arn: Node) -> Iterator[Finding]:
        _, managed, name = arn.text().partition(":iam::aws:policy/")
        # A policy may have a path, such as job-function/.
        if managed and any(fnmatchcase(name.rpartition("/")[2], pattern) for pattern in denied):
            yield Violation(found=f"{arn.path} is {shown(arn.text())}", expected="a policy with what it needs")

    yield from each(_attached(resource), check)
    if resource.kind in DOCUMENTS or resource.kind == ROLE:
        yield from each(documents(resource), lambda document: each(statements(document), _check_admin))


def _attached(resource: Resource) -> list[Node]:
    keys = ("managedPolicyArns",) if resource.kind == ROLE else ATTACHMENTS
    return [item for key in keys for item in _readable(resource[key])]


def _readable(node: Node) -> list[Node]:
    return node.items(or_single=True) if node.known else [node]


def _check_admin(statement: Node) -> Iterator[Finding]:
    if not allows(statement):
        return
    actions = [item for item in member(statement, ACTION).items(or_single=True) if item.known]
    resources = [item for item in member(statement, RESOURCE).items(or_single=True) if item.known]
    everything = [item for item in actions if set(item.text()) in ({"*"}, {"*", ":"})]
    if everything and any(is_star(item.text()) for item in resources):
        yield Violation(found=f"{everything[0].path} is '*' on every resource", expected="a policy with what it needs")


NO_ADMIN_POLICIES: Final = Rule(
    id="iam-no-admin-policies",
    level=Level.MANDATORY,
    severity=Severity.CRITICAL,
    title="No administrator policies",
    description="Nothing in a stack gets an administrator's policy, managed by AWS or written here.",
    why="Whoever takes over the function, job or pipeline behind it owns the account.",
    fix="Attach a policy of your own with the actions and resources that are used.",
    link="https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AdministratorAccess.html",
    kinds=(
        ROLE,
        *DOCUMENTS,
        "iam:RolePolicyAttachment",
        "iam:RolePolicyAttachmentsExclusive",
        "iam:UserPolicyAttachment",
        "iam:UserPolicyAttachmentsExclusive",
        "iam:GroupPolicyAttachment",
        "iam:GroupPolicyAttachmentsExclusive",
        "iam:PolicyAttachment",
        "ssoadmin:ManagedPolicyAttachment",
    ),
    peers=("checkov CKV_AWS_62 and 274", "Security Hub IAM.1", "cdk-nag IAM4"),
    schema={
        "deniedPolicies": {
            "type": "array",
            "items": {"type": "string"},
            "default": ["AdministratorAccess*", "IAMFullAccess", "PowerUserAccess", "SystemAdministrator"],
            "description": "Names of AWS managed policies that nothing may have; * stands for any text.",
        }
    },
    check=check_no_admin_policies,
)

RULES: Final = (NO_STAR, PASSROLE_SCOPED, TRUST_SCOPED, NO_USERS_OR_KEYS, NO_ADMIN_POLICIES)

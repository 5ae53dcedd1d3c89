"""The roles that GitHub's workflows assume with the token of their run: no key is kept anywhere."""

import json
from collections.abc import Mapping, Sequence

import pulumi
from pulumi_aws import iam

from foundation import boundaries, statements
from foundation.key_statements import read_keys, write_keys
from foundation.settings import Settings
from foundation.statements import Place, Statement

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"
"""What `aws-actions/configure-aws-credentials` asks for unless told otherwise."""


class GithubAccess(pulumi.ComponentResource):
    """GitHub's OIDC provider, a role for pull requests, one for the nightly look for drift, and a deploy role a stack.

    Each role trusts one exact subject: runs of pull requests, of the deploy branch, or of one GitHub environment, whose
    protection rules (reviewers, branches) decide who gets that far.
    """

    pull_request_role_arn: pulumi.Output[str]
    drift_role_arn: pulumi.Output[str]
    deploy_role_arns: dict[str, pulumi.Output[str]]
    """Stack -> role."""
    workload_boundary_arns: dict[str, str]
    """Stack -> the policy that bounds the roles its deployments make; the stack's `permissionsBoundary`."""

    def __init__(self, name: str, settings: Settings, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:bootstrap:GithubAccess", name, None, opts)
        self._settings = settings
        self._provider_arn = f"arn:{settings.partition}:iam::{settings.account_id}:oidc-provider/{ISSUER}"
        provider: list[pulumi.Resource] = []
        if settings.create_oidc_provider:
            provider.append(
                iam.OpenIdConnectProvider(
                    name,
                    url=f"https://{ISSUER}",
                    client_id_lists=[AUDIENCE],
                    tags=settings.tags,
                    opts=pulumi.ResourceOptions(parent=self, protect=True),
                )
            )
        self._trusts = pulumi.ResourceOptions(parent=self, depends_on=provider)
        self.pull_request_role_arn = self._pull_request_role()
        self.drift_role_arn = self._drift_role()
        self.workload_boundary_arns = {}
        self.deploy_role_arns = {}
        boundary = self._deploy_boundary()
        for stack in settings.environments:
            self.workload_boundary_arns[stack] = self._workload_boundary(stack)
            self.deploy_role_arns[stack] = self._deploy_role(stack, boundary)
        self.register_outputs(
            {
                "pullRequestRole": self.pull_request_role_arn,
                "driftRole": self.drift_role_arn,
                "deployRoles": self.deploy_role_arns,
            }
        )

    def _pull_request_role(self) -> pulumi.Output[str]:
        """Whoever can push a branch acts in this role: it sees the state of the stacks that the settings name only."""
        state = [
            item for stack in self._settings.preview_environments for item in self._state_access(stack, write=False)
        ]
        return self._role(
            "pull-request",
            "Previews of pull requests: reads state, changes nothing",
            "pull_request",
            {"read": [*state, statements.preview_lookups(), self._shared_lookups()]},
        ).arn

    def _drift_role(self) -> pulumi.Output[str]:
        policies: dict[str, list[Statement]] = {}
        for stack in self._settings.environments:
            place = self._place(stack)
            policies[stack] = [*self._state_access(stack, write=False), *statements.read_stack(place)]
        return self._role(
            "drift",
            "Nightly look for drift: reads state and resources, changes nothing",
            f"ref:refs/heads/{self._settings.deploy_branch}",
            {**policies, "lookups": [statements.resource_lookups(), self._shared_lookups(), self._keys()]},
        ).arn

    def _deploy_role(self, stack: str, boundary: iam.Policy) -> pulumi.Output[str]:
        place = self._place(stack)
        policies = {
            "state": [
                *self._state_access(stack, write=True),
                statements.resource_lookups(),
                statements.shared_lookups(place),
            ],
            "read": statements.read_stack(place),
            "services": statements.write_services(place, builds=stack in self._settings.build_environments),
            "access": statements.write_access(place, self.workload_boundary_arns[stack]),
            "keys": [read_keys(place, [stack]), *write_keys(place)],
        }
        name = f"deploy-{stack}"
        return self._role(name, f"Deploys stack {stack}", f"environment:{stack}", policies, boundary=boundary.arn).arn

    def _keys(self) -> Statement:
        environments = self._settings.environments
        return read_keys(self._place(environments[0]), environments)

    def _shared_lookups(self) -> Statement:
        return statements.shared_lookups(self._place(self._settings.environments[0]))

    def _deploy_boundary(self) -> iam.Policy:
        place = self._place(self._settings.environments[0])
        return self._policy(
            "deploy-boundary",
            "The most that a deploy role can do",
            boundaries.deploy_boundary(
                place, self._settings.name, self._settings.state_bucket, self._settings.key_alias
            ),
        )

    def _workload_boundary(self, stack: str) -> str:
        name = f"{stack}-workload-boundary"
        self._policy(
            name, f"The most that a role of stack {stack} can do", boundaries.workload_boundary(self._place(stack))
        )
        # The ARN follows from the name, so that every policy that names it is known in a preview.
        return self._place(stack).global_arn("iam", f"policy/{self._settings.name}-{name}")

    def _role(
        self,
        role: str,
        description: str,
        context: str,
        policies: Mapping[str, Sequence[Statement]],
        *,
        boundary: pulumi.Input[str] | None = None,
    ) -> iam.Role:
        name = f"{self._settings.name}-{role}"
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": "sts:AssumeRoleWithWebIdentity",
                    "Principal": {"Federated": self._provider_arn},
                    "Condition": {
                        "StringEquals": {
                            f"{ISSUER}:aud": AUDIENCE,
                            f"{ISSUER}:sub": self._settings.subject(context),
                        }
                    },
                }
            ],
        }
        created = iam.Role(
            name,
            name=name,
            description=description,
            assume_role_policy=json.dumps(trust),
            max_session_duration=self._settings.session_minutes * 60,
            permissions_boundary=boundary,
            tags=self._settings.tags,
            opts=self._trusts,
        )
        for suffix, granted in policies.items():
            policy = self._policy(f"{role}-{suffix}", f"{description}: {suffix}", granted)
            iam.RolePolicyAttachment(
                f"{name}-{suffix}",
                role=created.name,
                policy_arn=policy.arn,
                opts=pulumi.ResourceOptions(parent=self),
            )
        return created

    def _policy(self, suffix: str, description: str, granted: Sequence[Statement]) -> iam.Policy:
        name = f"{self._settings.name}-{suffix}"
        document = json.dumps({"Version": "2012-10-17", "Statement": list(granted)})
        return iam.Policy(
            name,
            name=name,
            description=description,
            policy=document,
            tags=self._settings.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _state_access(self, stack: str, *, write: bool) -> list[Statement]:
        settings = self._settings
        return statements.state_access(self._place(stack), settings.state_bucket, settings.key_alias, write=write)

    def _place(self, stack: str) -> Place:
        settings = self._settings
        return Place(
            partition=settings.partition,
            region=settings.region,
            account_id=settings.account_id,
            project=settings.project,
            stack=stack,
        )

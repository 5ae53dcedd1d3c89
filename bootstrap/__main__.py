"""What Slipway's deployments stand on: Pulumi's state, and the roles that GitHub's workflows assume."""

import pulumi
from foundation.github_access import GithubAccess
from foundation.settings import load_settings
from foundation.state_store import StateStore

settings = load_settings()
state = StateStore(f"{settings.name}-state", settings)
access = GithubAccess(f"{settings.name}-github", settings)

pulumi.export("backendUrl", state.backend_url)
pulumi.export("secretsProviders", state.secrets_providers)
pulumi.export("pullRequestRole", access.pull_request_role_arn)
pulumi.export("driftRole", access.drift_role_arn)
pulumi.export("deployRoles", access.deploy_role_arns)
pulumi.export("workloadBoundaries", access.workload_boundary_arns)

"""IAM roles and their policies. The sandbox stores them; nothing checks them, see docs/sandbox.md."""

from typing import Final

from sandbox.context import Context, Inputs, Outputs, tag_list


def role(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:iam/role:Role`."""
    name: str = inputs.get("name") or inputs.name
    inputs.accept(["forceDetachPolicies"])
    tags: dict[str, str] = inputs.get("tags", {})
    request = inputs.pascal(["description", "path", "maxSessionDuration", "permissionsBoundary"])
    document = inputs.need("assumeRolePolicy")
    client = context.client("iam")
    created = client.create_role(RoleName=name, AssumeRolePolicyDocument=document, Tags=tag_list(tags), **request)[
        "Role"
    ]
    for arn in inputs.get("managedPolicyArns", []):
        client.attach_role_policy(RoleName=name, PolicyArn=arn)
    for policy in inputs.get("inlinePolicies", []):
        client.put_role_policy(RoleName=name, PolicyName=policy["name"], PolicyDocument=policy["policy"])
    return name, {
        "name": name,
        "arn": created["Arn"],
        "uniqueId": created["RoleId"],
        "createDate": created["CreateDate"].isoformat(),
        "tagsAll": tags,
    }


def role_policy(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:iam/rolePolicy:RolePolicy`."""
    name: str = inputs.get("name") or inputs.name
    owner: str = inputs.need("role")
    context.client("iam").put_role_policy(RoleName=owner, PolicyName=name, PolicyDocument=inputs.need("policy"))
    return f"{owner}:{name}", {"name": name}


def role_policy_attachment(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:iam/rolePolicyAttachment:RolePolicyAttachment`."""
    owner: str = inputs.need("role")
    arn: str = inputs.need("policyArn")
    context.client("iam").attach_role_policy(RoleName=owner, PolicyArn=arn)
    return f"{owner}/{arn}", {}


CREATORS: Final = {
    "aws:iam/role:Role": role,
    "aws:iam/rolePolicy:RolePolicy": role_policy,
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": role_policy_attachment,
}

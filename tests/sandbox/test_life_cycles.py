"""What an update and a destroy of the real provider ask for, beyond what the tests of each type walk through.

Each change is made by the call that the provider makes for it [hashicorp/terraform-provider-aws, the resource of that
name], and read back; what is deleted is gone with the code by which the provider knows it.
"""

import io
import json
import zipfile
from typing import Any

import pulumi
import pytest

from sandbox.context import Clients
from tests.sandbox.conftest import ACCOUNT, OTHER_LIST, OTHER_TAGS, REGION, TAGS, Create, refused


@pytest.fixture
def vpc(create: Create) -> Any:
    return create("aws:ec2/vpc:Vpc", cidrBlock="10.9.0.0/16", enableDnsHostnames=True, tags=TAGS)


def test_tags_of_a_network(create: Create, vpc: Any, client: Clients, unique: str) -> None:
    ec2 = client("ec2")
    made = {
        "vpcs": vpc.id,
        "subnets": create("aws:ec2/subnet:Subnet", vpcId=vpc.id, cidrBlock="10.9.1.0/24", tags=TAGS).id,
        "internet_gateways": create("aws:ec2/internetGateway:InternetGateway", vpcId=vpc.id, tags=TAGS).id,
        "route_tables": create("aws:ec2/routeTable:RouteTable", vpcId=vpc.id, tags=TAGS).id,
        "security_groups": create("aws:ec2/securityGroup:SecurityGroup", name=unique, vpcId=vpc.id, tags=TAGS).id,
    }
    answers = {"vpcs": "Vpcs", "subnets": "Subnets", "internet_gateways": "InternetGateways"}
    answers |= {"route_tables": "RouteTables", "security_groups": "SecurityGroups"}
    for kind, identifier in made.items():
        ec2.create_tags(Resources=[identifier], Tags=OTHER_LIST)
        ec2.delete_tags(Resources=[identifier], Tags=[{"Key": "Project"}])
        name = answers[kind][:-1].replace("SecurityGroup", "Group") + "Ids"
        (read,) = getattr(ec2, f"describe_{kind}")(**{name: [identifier]})[answers[kind]]
        assert read["Tags"] == OTHER_LIST, kind


def test_a_network_is_changed(create: Create, vpc: Any, client: Clients) -> None:
    ec2 = client("ec2")
    ec2.modify_vpc_attribute(VpcId=vpc.id, EnableDnsHostnames={"Value": False})
    read = ec2.describe_vpc_attribute(VpcId=vpc.id, Attribute="enableDnsHostnames")
    assert read["EnableDnsHostnames"] == {"Value": False}
    subnet = create("aws:ec2/subnet:Subnet", vpcId=vpc.id, cidrBlock="10.9.1.0/24")
    ec2.modify_subnet_attribute(SubnetId=subnet.id, MapPublicIpOnLaunch={"Value": True})
    assert ec2.describe_subnets(SubnetIds=[subnet.id])["Subnets"][0]["MapPublicIpOnLaunch"] is True
    gateway = create("aws:ec2/internetGateway:InternetGateway", vpcId=vpc.id)
    first, second = (create("aws:ec2/routeTable:RouteTable", vpcId=vpc.id) for _ in range(2))
    other = create("aws:ec2/internetGateway:InternetGateway")
    route = {"RouteTableId": first.id, "DestinationCidrBlock": "0.0.0.0/0"}
    ec2.create_route(**route, GatewayId=gateway.id)
    ec2.replace_route(**route, GatewayId=other.id)
    found = ec2.describe_route_tables(RouteTableIds=[first.id])["RouteTables"][0]["Routes"]
    assert {item["DestinationCidrBlock"]: item["GatewayId"] for item in found}["0.0.0.0/0"] == other.id
    link = ec2.associate_route_table(RouteTableId=first.id, SubnetId=subnet.id)["AssociationId"]
    moved = ec2.replace_route_table_association(AssociationId=link, RouteTableId=second.id)["NewAssociationId"]
    (association,) = ec2.describe_route_tables(RouteTableIds=[second.id])["RouteTables"][0]["Associations"]
    assert (association["RouteTableAssociationId"], association["SubnetId"]) == (moved, subnet.id)
    assert ec2.describe_route_tables(RouteTableIds=[first.id])["RouteTables"][0]["Associations"] == []


def test_the_rules_of_a_security_group_are_changed(create: Create, vpc: Any, client: Clients, unique: str) -> None:
    ec2 = client("ec2")
    rule = {"protocol": "tcp", "fromPort": 8080, "toPort": 8080, "cidrBlocks": ["10.0.0.0/16"], "description": "web"}
    group = create("aws:ec2/securityGroup:SecurityGroup", name=unique, vpcId=vpc.id, ingress=[rule])

    def permission(source: str) -> list[dict[str, Any]]:
        ranges = [{"CidrIp": source, "Description": "web"}]
        return [{"IpProtocol": "tcp", "FromPort": 8080, "ToPort": 8080, "IpRanges": ranges}]

    ec2.revoke_security_group_ingress(GroupId=group.id, IpPermissions=permission("10.0.0.0/16"))
    ec2.authorize_security_group_ingress(GroupId=group.id, IpPermissions=permission("192.0.2.0/24"))
    (read,) = ec2.describe_security_groups(GroupIds=[group.id])["SecurityGroups"][0]["IpPermissions"]
    assert (read["FromPort"], read["IpRanges"]) == (8080, [{"CidrIp": "192.0.2.0/24", "Description": "web"}])


def test_a_role_is_changed(create: Create, client: Clients, unique: str) -> None:
    iam = client("iam")

    def trust(service: str) -> dict[str, Any]:
        statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        return {"Version": "2012-10-17", "Statement": [statement]}

    boundary = f"arn:aws:iam::{ACCOUNT}:policy/{unique}"
    bounds = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    iam.create_policy(PolicyName=unique, PolicyDocument=json.dumps(bounds))
    made = create(
        "aws:iam/role:Role",
        name=unique,
        assumeRolePolicy=json.dumps(trust("lambda.amazonaws.com")),
        description="first",
        permissionsBoundary=boundary,
        tags=TAGS,
    )
    assert iam.get_role(RoleName=unique)["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"] == boundary
    iam.update_assume_role_policy(RoleName=unique, PolicyDocument=json.dumps(trust("ecs-tasks.amazonaws.com")))
    iam.update_role(RoleName=unique, Description="second", MaxSessionDuration=7200)
    iam.delete_role_permissions_boundary(RoleName=unique)
    iam.tag_role(RoleName=unique, Tags=OTHER_LIST)
    iam.untag_role(RoleName=unique, TagKeys=["Project"])
    read = iam.get_role(RoleName=unique)["Role"]
    assert read["AssumeRolePolicyDocument"] == trust("ecs-tasks.amazonaws.com")
    assert (read["Description"], read["MaxSessionDuration"], read["Tags"]) == ("second", 7200, OTHER_LIST)
    assert "PermissionsBoundary" not in read
    assert made["arn"] == read["Arn"]
    iam.put_role_permissions_boundary(RoleName=unique, PermissionsBoundary=boundary)
    assert iam.get_role(RoleName=unique)["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"] == boundary
    for action in ("s3:GetObject", "s3:PutObject"):
        statement = {"Effect": "Allow", "Action": action, "Resource": "arn:aws:s3:::any/*"}
        document = {"Version": "2012-10-17", "Statement": [statement]}
        iam.put_role_policy(RoleName=unique, PolicyName="own", PolicyDocument=json.dumps(document))
        assert iam.get_role_policy(RoleName=unique, PolicyName="own")["PolicyDocument"] == document


def test_a_log_group_is_changed(create: Create, client: Clients, unique: str) -> None:
    logs = client("logs")
    group = create("aws:cloudwatch/logGroup:LogGroup", name=unique, retentionInDays=30, tags=TAGS)
    logs.put_retention_policy(logGroupName=unique, retentionInDays=365)
    logs.tag_resource(resourceArn=group["arn"], tags=OTHER_TAGS)
    logs.untag_resource(resourceArn=group["arn"], tagKeys=["Project"])
    (read,) = logs.describe_log_groups(logGroupNamePrefix=unique)["logGroups"]
    assert read["retentionInDays"] == 365
    assert logs.list_tags_for_resource(resourceArn=group["arn"])["tags"] == OTHER_TAGS
    logs.delete_retention_policy(logGroupName=unique)
    (read,) = logs.describe_log_groups(logGroupNamePrefix=unique)["logGroups"]
    assert "retentionInDays" not in read
    logs.delete_log_group(logGroupName=unique)
    assert refused(logs.delete_log_group, logGroupName=unique) == "ResourceNotFoundException"


def test_a_rule_is_changed(create: Create, client: Clients, unique: str) -> None:
    events = client("events")
    rule = create(
        "aws:cloudwatch/eventRule:EventRule",
        name=unique,
        description="first",
        eventPattern='{"source":["a"]}',
        tags=TAGS,
    )
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{unique}"
    paths = {"input_paths": None, "inputPaths": {"tag": "$.detail.image-tag"}, "inputTemplate": '"Pushed <tag>."'}
    create(
        "aws:cloudwatch/eventTarget:EventTarget",
        rule=unique,
        targetId="topic",
        arn=queue,
        inputTransformer={key: value for key, value in paths.items() if value},
    )
    (target,) = events.list_targets_by_rule(Rule=unique)["Targets"]
    assert target["InputTransformer"] == {
        "InputPathsMap": {"tag": "$.detail.image-tag"},
        "InputTemplate": '"Pushed <tag>."',
    }
    events.put_rule(Name=unique, Description="second", EventPattern='{"source":["b"]}', State="ENABLED")
    events.tag_resource(ResourceARN=rule["arn"], Tags=OTHER_LIST)
    events.untag_resource(ResourceARN=rule["arn"], TagKeys=["Project"])
    read = events.describe_rule(Name=unique)
    assert (read["Description"], json.loads(read["EventPattern"])) == ("second", {"source": ["b"]})
    assert events.list_tags_for_resource(ResourceARN=rule["arn"])["Tags"] == OTHER_LIST
    events.put_targets(Rule=unique, Targets=[{"Id": "topic", "Arn": queue}])
    assert events.list_targets_by_rule(Rule=unique)["Targets"] == [{"Id": "topic", "Arn": queue}]
    assert refused(events.delete_rule, Name=unique) == "ValidationException"
    events.remove_targets(Rule=unique, Ids=["topic"])
    events.delete_rule(Name=unique)
    assert refused(events.list_targets_by_rule, Rule=unique) == "ResourceNotFoundException"
    assert refused(events.list_tags_for_resource, ResourceARN=rule["arn"]) == "ResourceNotFoundException"


def archive(source: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr("handler.py", source)
    return content.getvalue()


def test_a_function_is_changed(create: Create, client: Clients, unique: str, role: str) -> None:
    functions = client("lambda")
    made = create(
        "aws:lambda/function:Function",
        name=unique,
        code=pulumi.AssetArchive({"handler.py": pulumi.StringAsset("def handle(event, context): return 1")}),
        handler="handler.handle",
        runtime="python3.13",
        architectures=["arm64"],
        role=role,
        environment={"variables": {"A": "1"}},
        tags=TAGS,
    )
    wait = {"FunctionName": unique, "WaiterConfig": {"Delay": 0.1}}
    functions.get_waiter("function_active_v2").wait(**wait)
    before = functions.get_function_configuration(FunctionName=unique)
    functions.update_function_configuration(
        FunctionName=unique,
        Description="second",
        MemorySize=512,
        Timeout=30,
        Environment={"Variables": {"B": "2"}},
        EphemeralStorage={"Size": 1024},
    )
    functions.get_waiter("function_updated_v2").wait(**wait)
    functions.update_function_code(FunctionName=unique, ZipFile=archive("def handle(event, context): return 2"))
    functions.get_waiter("function_updated_v2").wait(**wait)
    read = functions.get_function(FunctionName=unique)["Configuration"]
    assert (read["Description"], read["MemorySize"], read["Timeout"]) == ("second", 512, 30)
    assert (read["Environment"], read["EphemeralStorage"]) == ({"Variables": {"B": "2"}}, {"Size": 1024})
    assert read["CodeSha256"] != before["CodeSha256"]
    assert json.load(functions.invoke(FunctionName=unique)["Payload"]) == 2
    functions.put_function_concurrency(FunctionName=unique, ReservedConcurrentExecutions=3)
    assert functions.get_function(FunctionName=unique)["Concurrency"] == {"ReservedConcurrentExecutions": 3}
    functions.delete_function_concurrency(FunctionName=unique)
    assert "Concurrency" not in functions.get_function(FunctionName=unique)
    functions.tag_resource(Resource=made["arn"], Tags=OTHER_TAGS)
    functions.untag_resource(Resource=made["arn"], TagKeys=["Project"])
    assert functions.list_tags(Resource=made["arn"])["Tags"] == OTHER_TAGS
    assert not functions.get_function_code_signing_config(FunctionName=unique)["CodeSigningConfigArn"]
    assert refused(functions.get_policy, FunctionName=unique) == "ResourceNotFoundException"
    functions.put_function_event_invoke_config(FunctionName=unique, MaximumRetryAttempts=1)
    functions.put_function_event_invoke_config(FunctionName=unique, MaximumRetryAttempts=0)
    assert functions.get_function_event_invoke_config(FunctionName=unique)["MaximumRetryAttempts"] == 0


def test_a_repository_is_changed(create: Create, client: Clients, unique: str) -> None:
    ecr = client("ecr")
    made = create(
        "aws:ecr/repository:Repository",
        name=unique,
        imageTagMutability="IMMUTABLE",
        imageScanningConfiguration={"scanOnPush": True},
        tags=TAGS,
    )
    ecr.put_image_scanning_configuration(repositoryName=unique, imageScanningConfiguration={"scanOnPush": False})
    filters = [{"filter": "buildcache", "filterType": "WILDCARD"}]
    ecr.put_image_tag_mutability(
        repositoryName=unique,
        imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
        imageTagMutabilityExclusionFilters=filters,
    )
    ecr.tag_resource(resourceArn=made["arn"], tags=OTHER_LIST)
    ecr.untag_resource(resourceArn=made["arn"], tagKeys=["Project"])
    (read,) = ecr.describe_repositories(repositoryNames=[unique])["repositories"]
    assert read["imageScanningConfiguration"] == {"scanOnPush": False}
    assert read["imageTagMutabilityExclusionFilters"] == filters
    assert ecr.list_tags_for_resource(resourceArn=made["arn"])["tags"] == OTHER_LIST
    for days in (1, 2):
        selection = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": days}
        lifecycle = json.dumps({"rules": [{"rulePriority": 1, "selection": selection, "action": {"type": "expire"}}]})
        ecr.put_lifecycle_policy(repositoryName=unique, lifecyclePolicyText=lifecycle)
        assert ecr.get_lifecycle_policy(repositoryName=unique)["lifecyclePolicyText"] == lifecycle
    ecr.delete_repository(repositoryName=unique)
    gone = "RepositoryNotFoundException"
    assert refused(ecr.get_lifecycle_policy, repositoryName=unique) == gone
    assert refused(ecr.get_repository_policy, repositoryName=unique) == gone
    assert refused(ecr.list_tags_for_resource, resourceArn=made["arn"]) == gone


def test_batch_from_creation_to_deletion(create: Create, client: Clients, unique: str, role: str) -> None:
    batch = client("batch")
    environment = create(
        "aws:batch/computeEnvironment:ComputeEnvironment",
        name=unique,
        type="MANAGED",
        computeResources={"type": "FARGATE", "maxVcpus": 16, "subnets": ["subnet-1"], "securityGroupIds": ["sg-1"]},
        tags=TAGS,
    )
    queue = create(
        "aws:batch/jobQueue:JobQueue",
        name=unique,
        priority=1,
        state="ENABLED",
        computeEnvironmentOrders=[{"order": 1, "computeEnvironment": environment["arn"]}],
        tags=TAGS,
    )
    container = {
        "image": f"any@sha256:{'0' * 64}",
        "executionRoleArn": role,
        "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "2048"}],
    }
    definition = create(
        "aws:batch/jobDefinition:JobDefinition",
        name=unique,
        type="container",
        platformCapabilities=["FARGATE"],
        containerProperties=json.dumps(container),
        tags=TAGS,
    )
    for arn in (environment["arn"], queue["arn"], definition["arn"]):
        batch.tag_resource(resourceArn=arn, tags=OTHER_TAGS)
        batch.untag_resource(resourceArn=arn, tagKeys=["Project"])
        assert batch.list_tags_for_resource(resourceArn=arn)["tags"] == OTHER_TAGS
    batch.update_compute_environment(computeEnvironment=unique, computeResources={"maxvCpus": 64})
    batch.update_job_queue(jobQueue=unique, priority=2)
    (read,) = batch.describe_compute_environments(computeEnvironments=[unique])["computeEnvironments"]
    assert (read["computeResources"]["maxvCpus"], read["status"], read["tags"]) == (64, "VALID", OTHER_TAGS)
    (read,) = batch.describe_job_queues(jobQueues=[unique])["jobQueues"]
    assert (read["priority"], read["status"], read["tags"]) == (2, "VALID", OTHER_TAGS)
    batch.deregister_job_definition(jobDefinition=definition["arn"])
    (read,) = batch.describe_job_definitions(jobDefinitions=[definition["arn"]])["jobDefinitions"]
    assert read["status"] == "INACTIVE"
    assert refused(batch.delete_job_queue, jobQueue=unique) == "ClientException"
    batch.update_job_queue(jobQueue=unique, state="DISABLED")
    batch.delete_job_queue(jobQueue=unique)
    assert batch.describe_job_queues(jobQueues=[unique])["jobQueues"] == []
    assert refused(batch.delete_compute_environment, computeEnvironment=unique) == "ClientException"
    batch.update_compute_environment(computeEnvironment=unique, state="DISABLED")
    batch.delete_compute_environment(computeEnvironment=unique)
    assert batch.describe_compute_environments(computeEnvironments=[unique])["computeEnvironments"] == []

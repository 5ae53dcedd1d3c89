"""A long-running service that runs the image of a pipeline."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_aws import cloudwatch, ec2, ecs

from components import iam
from components.network import Network
from components.service_settings import ServiceSettings

USER = "65534:65534"
"""`nobody`, in whatever image."""
_SCRATCH = "scratch"
_SCRATCH_PATH = "/tmp"  # noqa: S108 - a volume of the task's own
_CAPACITY = ("FARGATE", "FARGATE_SPOT")


@dataclass(frozen=True, kw_only=True)
class ServiceClusterArgs:
    tags: Mapping[str, str]


class ServiceCluster(pulumi.ComponentResource):
    """The ECS cluster of a stack, with Fargate's two capacity providers and Container Insights."""

    cluster_arn: pulumi.Output[str]

    def __init__(self, name: str, args: ServiceClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:components:ServiceCluster", name, None, opts)
        cluster = ecs.Cluster(
            name,
            name=f"{name}-services",
            settings=[ecs.ClusterSettingArgs(name="containerInsights", value="enabled")],
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        capacity = ecs.ClusterCapacityProviders(
            name,
            cluster_name=cluster.name,
            capacity_providers=list(_CAPACITY),
            opts=pulumi.ResourceOptions(parent=self),
        )
        # A service names a capacity provider, which the cluster must have by then.
        self.cluster_arn = pulumi.Output.all(cluster.arn, capacity.id).apply(lambda values: values[0])
        self.register_outputs({"clusterArn": self.cluster_arn})


@dataclass(frozen=True, kw_only=True)
class ContainerServiceArgs:
    settings: ServiceSettings
    image: pulumi.Input[str]
    """`repository@sha256:...`, linux/arm64."""
    repository_arn: pulumi.Input[str]
    cluster: ServiceCluster
    network: Network
    assign_public_ip: bool
    """Needed where the subnets have no NAT."""
    log_retention_days: int
    region: str
    tags: Mapping[str, str]
    permissions_boundary: str = ""
    """ARN of the policy that bounds the roles; empty for none."""


class ContainerService(pulumi.ComponentResource):
    """An ECS service on Fargate and arm64, with its task definition, roles, log group and security group.

    Nobody can connect to it unless the settings name a port and who may; there is no load balancer. Another digest
    makes a new revision of the task definition, and a deployment whose tasks don't stay up is rolled back and fails the
    update. The container runs as `nobody` on a read-only root file system: it can write below /tmp if its image
    declares that as a volume, and nowhere else.
    """

    summary: Mapping[str, pulumi.Input[Any]]
    """What the stack exports about it."""

    def __init__(self, name: str, args: ContainerServiceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:components:ContainerService", name, None, opts)
        settings = args.settings
        own = pulumi.ResourceOptions(parent=self)
        log_group = cloudwatch.LogGroup(
            name,
            name=f"/aws/ecs/{name}",
            retention_in_days=args.log_retention_days,
            tags=args.tags,
            opts=own,
        )
        starter = self._starter(name, args, log_group.arn)
        # What the tasks may do: nothing, as no setting names anything.
        task = iam.service_role(
            f"{name}-task",
            service="ecs-tasks.amazonaws.com",
            description=f"The tasks of the service {settings.name} themselves",
            permissions_boundary=args.permissions_boundary,
            tags=args.tags,
            parent=self,
        )
        definition = ecs.TaskDefinition(
            name,
            family=name,
            requires_compatibilities=["FARGATE"],
            network_mode="awsvpc",
            cpu=str(int(settings.vcpus * 1024)),
            memory=str(settings.memory_mib),
            runtime_platform=ecs.TaskDefinitionRuntimePlatformArgs(
                cpu_architecture="ARM64", operating_system_family="LINUX"
            ),
            execution_role_arn=starter.arn,
            task_role_arn=task.arn,
            volumes=[ecs.TaskDefinitionVolumeArgs(name=_SCRATCH)],
            container_definitions=pulumi.Output.json_dumps([_container(args, log_group.name)]),
            tags=args.tags,
            opts=own,
        )
        service = ecs.Service(
            name,
            name=name,
            cluster=args.cluster.cluster_arn,
            task_definition=definition.arn,
            desired_count=settings.desired_count,
            # Not a launch type: changing that replaces the service, and AWS takes no second one of its name. Another
            # provider is an update, if it may start new tasks [pulumi-aws, ecs.Service, capacityProviderStrategies].
            capacity_provider_strategies=[
                ecs.ServiceCapacityProviderStrategyArgs(
                    capacity_provider="FARGATE_SPOT" if settings.spot else "FARGATE", weight=1
                )
            ],
            force_new_deployment=True,
            network_configuration=ecs.ServiceNetworkConfigurationArgs(
                subnets=args.network.subnet_ids,
                security_groups=[self._security_group(name, args).id],
                assign_public_ip=args.assign_public_ip,
            ),
            deployment_circuit_breaker=ecs.ServiceDeploymentCircuitBreakerArgs(enable=True, rollback=True),
            # The new tasks run before the old ones end.
            deployment_minimum_healthy_percent=100,
            deployment_maximum_percent=200,
            availability_zone_rebalancing="ENABLED",
            enable_ecs_managed_tags=True,
            propagate_tags="SERVICE",
            wait_for_steady_state=True,
            tags=args.tags,
            # The network whole: without its routes the first tasks can't pull the image, and the deployment fails.
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[starter.policy, args.network], delete_before_replace=True
            ),
        )
        self.summary = {"serviceName": service.name, "cluster": args.cluster.cluster_arn}
        self.register_outputs(dict(self.summary))

    def _starter(self, name: str, args: ContainerServiceArgs, log_group_arn: pulumi.Output[str]) -> iam.ActorRole:
        """What ECS itself does for a task, before and beside it."""
        return iam.actor_role(
            f"{name}-starter",
            service="ecs-tasks.amazonaws.com",
            description=f"Starts the tasks of the service {args.settings.name}: pulls the image, opens the log stream",
            statements=iam.start_tasks(args.repository_arn, log_group_arn),
            permissions_boundary=args.permissions_boundary,
            tags=args.tags,
            parent=self,
        )

    def _security_group(self, name: str, args: ContainerServiceArgs) -> ec2.SecurityGroup:
        """Of the service's own, also in a network whose groups are given: those may let others in."""
        settings = args.settings
        ingress: list[ec2.SecurityGroupIngressArgs] = []
        if settings.port is not None and settings.sources:
            ingress.append(
                ec2.SecurityGroupIngressArgs(
                    description="Who may connect",
                    protocol="tcp",
                    from_port=settings.port,
                    to_port=settings.port,
                    cidr_blocks=list(settings.sources),
                )
            )
        return ec2.SecurityGroup(
            name,
            description=f"The service {settings.name}",
            vpc_id=args.network.vpc_id(),
            # Also if there is none: the provider leaves rules as they are where it is told nothing about them, and a
            # port whose setting was removed would stay open.
            ingress=ingress,
            egress=[ec2.SecurityGroupEgressArgs(protocol="-1", from_port=0, to_port=0, cidr_blocks=["0.0.0.0/0"])],
            tags={**args.tags, "Name": name},
            opts=pulumi.ResourceOptions(parent=self),
        )


def _container(args: ContainerServiceArgs, log_group: pulumi.Input[str]) -> dict[str, Any]:
    settings = args.settings
    container: dict[str, Any] = {
        "name": settings.name,
        "image": args.image,
        "essential": True,
        "user": USER,
        "readonlyRootFilesystem": True,
        "mountPoints": [{"sourceVolume": _SCRATCH, "containerPath": _SCRATCH_PATH, "readOnly": False}],
        "environment": [{"name": key, "value": settings.environment[key]} for key in sorted(settings.environment)],
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": log_group,
                "awslogs-region": args.region,
                "awslogs-stream-prefix": settings.name,
            },
        },
    }
    if settings.port is not None:
        container["portMappings"] = [{"containerPort": settings.port, "hostPort": settings.port, "protocol": "tcp"}]
    return {**container, "command": list(settings.command)} if settings.command else container

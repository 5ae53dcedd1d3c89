"""What a stack has only where its settings name it: functions, services, notifications.

Each component is imported where it is made: what the SDK has for its services takes a part of a second to load, which a
stack without it needn't pay.
"""

from collections.abc import Mapping

import pulumi

from components import naming
from components.batch_platform import BatchPlatform
from components.network import Network
from components.pipeline import Pipeline
from components.settings import Settings


def add_functions(settings: Settings, pipelines: Mapping[str, Pipeline]) -> None:
    """Make the Lambda functions of `functions`, and export them."""
    if not settings.functions:
        return
    from components.container_function import ContainerFunction, ContainerFunctionArgs

    functions = {
        function.name: ContainerFunction(
            naming.function_name(settings.project, settings.stack, function.name),
            ContainerFunctionArgs(
                settings=function,
                image=pipelines[function.pipeline].image,
                pull_grant=pipelines[function.pipeline].pull_grant,
                log_retention_days=settings.log_retention_days,
                tags=naming.tags(settings.project, settings.stack, function.pipeline),
                permissions_boundary=settings.permissions_boundary,
            ),
        )
        for function in settings.functions
    }
    pulumi.export("functions", {name: function.summary for name, function in functions.items()})


def add_services(settings: Settings, pipelines: Mapping[str, Pipeline], network: Network) -> None:
    """Make the ECS services of `services` in one cluster, and export them."""
    if not settings.services:
        return
    from components.container_service import (
        ContainerService,
        ContainerServiceArgs,
        ServiceCluster,
        ServiceClusterArgs,
    )

    prefix = naming.stack_prefix(settings.project, settings.stack)
    cluster = ServiceCluster(prefix, ServiceClusterArgs(tags=naming.tags(settings.project, settings.stack)))
    services = {
        service.name: ContainerService(
            f"{prefix}-{service.name}-service",
            ContainerServiceArgs(
                settings=service,
                image=pipelines[service.pipeline].image,
                repository_arn=pipelines[service.pipeline].repository_arn,
                cluster=cluster,
                network=network,
                assign_public_ip=settings.network.assign_public_ip,
                log_retention_days=settings.log_retention_days,
                region=settings.region,
                tags=naming.tags(settings.project, settings.stack, service.pipeline),
                permissions_boundary=settings.permissions_boundary,
            ),
        )
        for service in settings.services
    }
    pulumi.export("services", {name: service.summary for name, service in services.items()})


def add_notifications(settings: Settings, platform: BatchPlatform | None = None) -> None:
    """Make the messages of `notifications`, about the stack's own repositories and the jobs of its queue."""
    if not settings.notifications.emails:
        return
    from components.notifications import Notifications, NotificationsArgs

    prefix = naming.stack_prefix(settings.project, settings.stack)
    Notifications(
        f"{prefix}-notifications",
        NotificationsArgs(
            settings=settings.notifications,
            repository_prefix=f"{prefix}/" if settings.registry.kind == "own" else "",
            queue_arn=platform.queue_arn if platform else None,
            stack=settings.stack,
            protect_data=settings.protect_data,
            tags=naming.tags(settings.project, settings.stack),
        ),
    )

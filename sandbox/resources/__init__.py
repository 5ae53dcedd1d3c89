"""How each resource type is created: one module per service, one small function per type.

A function gets the context and the resource's camelCase inputs, makes the boto3 calls, and returns the provider's id
and the outputs that AWS adds to the inputs.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from sandbox.context import Context, Inputs, Outputs
from sandbox.resources import (
    apigateway,
    apigateway_methods,
    batch,
    cloudfront,
    cloudwatch,
    docker_build,
    dynamodb,
    ec2,
    ecr,
    ecs,
    events,
    iam,
    invokes,
    kms,
    lambda_,
    logs,
    messaging,
    s3,
    s3_settings,
)

Creator = Callable[[Context, Inputs], tuple[str, Outputs]]
Invoke = Callable[[Context, Mapping[str, Any]], Mapping[str, Any]]

CREATORS: Final[Mapping[str, Creator]] = {
    **apigateway.CREATORS,
    **apigateway_methods.CREATORS,
    **batch.CREATORS,
    **cloudfront.CREATORS,
    **cloudwatch.CREATORS,
    **docker_build.CREATORS,
    **dynamodb.CREATORS,
    **ec2.CREATORS,
    **ecr.CREATORS,
    **ecs.CREATORS,
    **events.CREATORS,
    **iam.CREATORS,
    **kms.CREATORS,
    **lambda_.CREATORS,
    **logs.CREATORS,
    **messaging.CREATORS,
    **s3.CREATORS,
    **s3_settings.CREATORS,
}
"""Resource type -> what creates it."""

INVOKES: Final[Mapping[str, Invoke]] = invokes.INVOKES
"""Provider function -> what answers it."""

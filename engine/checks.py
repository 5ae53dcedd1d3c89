"""What the AWS and docker-build providers' Check adds to a resource's inputs: auto-names and defaults.

Auto-naming [pulumi-aws, provider/resources.go and the bridge's AutoName]: an unset name property becomes the logical
name, a hyphen and seven hexadecimal digits; where that is longer than AWS allows, Check fails. The digits are random
there; here they follow from the URN, so that two previews of one program are equal. Defaults are those that the
Terraform schema of the provider declares [documentation of each resource of pulumi-aws 7.51, "Defaults to"].

Only types that a program of this project uses are listed; a test fails when a stack uses a type that isn't.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.errors import ProgramError

_SUFFIX_DIGITS = 7


@dataclass(frozen=True)
class Check:
    """What is filled in for one resource type."""

    auto_name: str = ""
    """The property that gets an auto-name; empty if there is none."""
    max_length: int = 255
    lower_case: bool = False
    suppressed_by: tuple[str, ...] = ()
    """Properties that, when set, leave the name to the provider (`namePrefix`)."""
    defaults: Mapping[str, Any] = field(default_factory=dict[str, Any])


CHECKS: Mapping[str, Check] = {
    "aws:apigateway/apiKey:ApiKey": Check("name", defaults={"description": "Managed by Pulumi", "enabled": True}),
    "aws:apigateway/deployment:Deployment": Check(),
    "aws:apigateway/integration:Integration": Check(),
    "aws:apigateway/integrationResponse:IntegrationResponse": Check(),
    "aws:apigateway/method:Method": Check(defaults={"apiKeyRequired": False}),
    "aws:apigateway/methodResponse:MethodResponse": Check(),
    "aws:apigateway/model:Model": Check("name"),
    "aws:apigateway/requestValidator:RequestValidator": Check(
        "name", defaults={"validateRequestBody": False, "validateRequestParameters": False}
    ),
    "aws:apigateway/resource:Resource": Check(),
    "aws:apigateway/response:Response": Check(),
    "aws:apigateway/restApi:RestApi": Check("name"),
    "aws:apigateway/stage:Stage": Check(),
    "aws:apigateway/usagePlan:UsagePlan": Check("name"),
    "aws:apigateway/usagePlanKey:UsagePlanKey": Check(),
    "aws:batch/computeEnvironment:ComputeEnvironment": Check(
        "name", 128, suppressed_by=("namePrefix",), defaults={"state": "ENABLED"}
    ),
    "aws:batch/jobDefinition:JobDefinition": Check("name", 128, defaults={"deregisterOnNewRevision": True}),
    "aws:batch/jobQueue:JobQueue": Check("name", 128),
    "aws:cloudfront/distribution:Distribution": Check(
        defaults={
            "httpVersion": "http2",
            "isIpv6Enabled": False,
            "priceClass": "PriceClass_All",
            "retainOnDelete": False,
            "staging": False,
            "waitForDeployment": True,
        }
    ),
    "aws:cloudfront/originAccessControl:OriginAccessControl": Check(
        "name", defaults={"description": "Managed by Pulumi"}
    ),
    "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": Check("name"),
    "aws:cloudwatch/eventRule:EventRule": Check(
        "name", 64, suppressed_by=("namePrefix",), defaults={"eventBusName": "default", "forceDestroy": False}
    ),
    "aws:cloudwatch/eventTarget:EventTarget": Check(
        "targetId", defaults={"eventBusName": "default", "forceDestroy": False}
    ),
    "aws:cloudwatch/logGroup:LogGroup": Check(
        "name", 512, suppressed_by=("namePrefix",), defaults={"retentionInDays": 0, "skipDestroy": False}
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": Check(
        "name", defaults={"actionsEnabled": True, "treatMissingData": "missing"}
    ),
    "aws:dynamodb/table:Table": Check("name", defaults={"billingMode": "PROVISIONED"}),
    "aws:ec2/internetGateway:InternetGateway": Check(),
    "aws:ec2/route:Route": Check(),
    "aws:ec2/routeTable:RouteTable": Check(),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": Check(),
    "aws:ec2/securityGroup:SecurityGroup": Check(
        "name",
        suppressed_by=("namePrefix",),
        defaults={"description": "Managed by Pulumi", "revokeRulesOnDelete": False},
    ),
    "aws:ec2/subnet:Subnet": Check(
        defaults={
            "assignIpv6AddressOnCreation": False,
            "enableDns64": False,
            "enableResourceNameDnsARecordOnLaunch": False,
            "enableResourceNameDnsAaaaRecordOnLaunch": False,
            "ipv6Native": False,
            "mapPublicIpOnLaunch": False,
        }
    ),
    "aws:ec2/vpc:Vpc": Check(defaults={"enableDnsSupport": True, "instanceTenancy": "default"}),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": Check(),
    "aws:ecr/repository:Repository": Check("name", 256, lower_case=True, defaults={"imageTagMutability": "MUTABLE"}),
    "aws:ecr/repositoryPolicy:RepositoryPolicy": Check(),
    "aws:ecs/cluster:Cluster": Check("name"),
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": Check(),
    "aws:ecs/service:Service": Check(
        "name",
        defaults={
            "deploymentMaximumPercent": 200,
            "deploymentMinimumHealthyPercent": 100,
            "schedulingStrategy": "REPLICA",
            "sigintRollback": False,
            "waitForSteadyState": False,
        },
    ),
    "aws:ecs/taskDefinition:TaskDefinition": Check(
        defaults={"enableFaultInjection": False, "skipDestroy": False, "trackLatest": False}
    ),
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": Check(),
    "aws:iam/policy:Policy": Check("name", 128, suppressed_by=("namePrefix",), defaults={"path": "/"}),
    "aws:iam/role:Role": Check(
        "name",
        64,
        suppressed_by=("namePrefix",),
        defaults={"forceDetachPolicies": False, "maxSessionDuration": 3600, "path": "/"},
    ),
    "aws:iam/rolePolicy:RolePolicy": Check("name", 128, suppressed_by=("namePrefix",)),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": Check(),
    "aws:kms/alias:Alias": Check(),
    "aws:kms/key:Key": Check(
        defaults={
            "bypassPolicyLockoutSafetyCheck": False,
            "customerMasterKeySpec": "SYMMETRIC_DEFAULT",
            "enableKeyRotation": False,
            "isEnabled": True,
            "keyUsage": "ENCRYPT_DECRYPT",
        }
    ),
    "aws:lambda/alias:Alias": Check("name", 128),
    "aws:lambda/function:Function": Check(
        "name",
        64,
        defaults={
            "memorySize": 128,
            "packageType": "Zip",
            "publish": False,
            "reservedConcurrentExecutions": -1,
            "skipDestroy": False,
            "timeout": 3,
        },
    ),
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": Check(defaults={"maximumRetryAttempts": 2}),
    "aws:lambda/permission:Permission": Check("statementId", 100, suppressed_by=("statementIdPrefix",)),
    "aws:s3/bucket:Bucket": Check(
        "bucket", 63, lower_case=True, suppressed_by=("bucketPrefix",), defaults={"forceDestroy": False}
    ),
    "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration": Check(),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": Check(
        defaults={"transitionDefaultMinimumObjectSize": "all_storage_classes_128K"}
    ),
    "aws:s3/bucketObjectv2:BucketObjectv2": Check("key", defaults={"forceDestroy": False}),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": Check(),
    "aws:s3/bucketPolicy:BucketPolicy": Check(),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": Check(
        defaults={
            "blockPublicAcls": False,
            "blockPublicPolicy": False,
            "ignorePublicAcls": False,
            "restrictPublicBuckets": False,
        }
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": Check(),
    "aws:s3/bucketVersioning:BucketVersioning": Check(),
    "aws:s3/bucketWebsiteConfiguration:BucketWebsiteConfiguration": Check(),
    "aws:sns/topic:Topic": Check("name", 256, suppressed_by=("namePrefix",), defaults={"fifoTopic": False}),
    "aws:sns/topicPolicy:TopicPolicy": Check(),
    "aws:sns/topicSubscription:TopicSubscription": Check(
        defaults={"confirmationTimeoutInMinutes": 1, "endpointAutoConfirms": False, "rawMessageDelivery": False}
    ),
    "aws:sqs/queue:Queue": Check(
        "name",
        80,
        suppressed_by=("namePrefix",),
        defaults={
            "delaySeconds": 0,
            "fifoQueue": False,
            "messageRetentionSeconds": 345_600,
            "receiveWaitTimeSeconds": 0,
            "visibilityTimeoutSeconds": 30,
        },
    ),
    "aws:sqs/queuePolicy:QueuePolicy": Check(),
    "docker-build:index:Image": Check(),
}


def check_inputs(type_: str, name: str, urn: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The properties that Check adds to `inputs`; none for a type that isn't listed.

    Raises:
        ProgramError: the auto-name would be too long.
    """
    check = CHECKS.get(type_)
    if check is None:
        return {}
    added = {key: value for key, value in check.defaults.items() if key not in inputs}
    named = check.auto_name in inputs or any(key in inputs for key in check.suppressed_by)
    if check.auto_name and not named:
        suffix = "-" + hashlib.sha256(urn.encode()).hexdigest()[:_SUFFIX_DIGITS]
        if len(name + suffix) > check.max_length:
            raise ProgramError(
                f"{name} ({type_}) gets no auto-name: with the {len(suffix)} characters that the provider adds it is "
                f"longer than {check.max_length}. Give it a shorter name."
            )
        added[check.auto_name] = (name.lower() if check.lower_case else name) + suffix
    return added

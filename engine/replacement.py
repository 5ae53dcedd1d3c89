"""Which properties can't be changed in place: a difference in one of them replaces the resource.

These are the properties that the provider's schema marks with `ForceNew` [hashicorp/terraform-provider-aws, the
resource of that name], under the names of pulumi-aws. A test fails when a stack uses a type
that isn't listed.
"""

from collections.abc import Mapping

_BUCKET = frozenset({"bucket", "expectedBucketOwner"})
_METHOD = frozenset({"restApi", "resourceId", "httpMethod"})

FORCES_NEW: Mapping[str, frozenset[str]] = {
    "aws:apigateway/restApi:RestApi": frozenset(),
    "aws:apigateway/usagePlan:UsagePlan": frozenset(),
    "aws:cloudfront/originAccessControl:OriginAccessControl": frozenset(),
    "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": frozenset(),
    "aws:ec2/internetGateway:InternetGateway": frozenset(),
    "docker-build:index:Image": frozenset(),
    "aws:apigateway/apiKey:ApiKey": frozenset({"value"}),
    "aws:apigateway/deployment:Deployment": frozenset({"restApi", "triggers", "variables"}),
    "aws:apigateway/integration:Integration": _METHOD
    | {"type", "credentials", "integrationHttpMethod", "passthroughBehavior"},
    "aws:apigateway/integrationResponse:IntegrationResponse": _METHOD | {"statusCode"},
    "aws:apigateway/method:Method": _METHOD,
    "aws:apigateway/methodResponse:MethodResponse": _METHOD | {"statusCode"},
    "aws:apigateway/model:Model": frozenset({"restApi", "name", "contentType"}),
    "aws:apigateway/requestValidator:RequestValidator": frozenset({"restApi"}),
    "aws:apigateway/resource:Resource": frozenset({"restApi"}),
    "aws:apigateway/response:Response": frozenset({"restApiId", "responseType"}),
    "aws:apigateway/stage:Stage": frozenset({"restApi", "stageName"}),
    "aws:apigateway/usagePlanKey:UsagePlanKey": frozenset({"keyId", "keyType", "usagePlanId"}),
    "aws:batch/computeEnvironment:ComputeEnvironment": frozenset({"name", "namePrefix", "type", "eksConfiguration"}),
    # Everything else makes a new revision of the same definition.
    "aws:batch/jobDefinition:JobDefinition": frozenset({"name", "type"}),
    "aws:batch/jobQueue:JobQueue": frozenset({"name"}),
    "aws:cloudfront/distribution:Distribution": frozenset({"staging"}),
    "aws:cloudwatch/eventRule:EventRule": frozenset({"name", "namePrefix", "eventBusName"}),
    "aws:cloudwatch/eventTarget:EventTarget": frozenset({"rule", "targetId", "eventBusName"}),
    "aws:cloudwatch/logGroup:LogGroup": frozenset({"name", "namePrefix", "logGroupClass"}),
    "aws:cloudwatch/metricAlarm:MetricAlarm": frozenset({"name"}),
    "aws:dynamodb/table:Table": frozenset({"name", "hashKey", "rangeKey", "localSecondaryIndexes"}),
    "aws:ec2/route:Route": frozenset({"routeTableId", "destinationCidrBlock", "destinationIpv6CidrBlock"}),
    "aws:ec2/routeTable:RouteTable": frozenset({"vpcId"}),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": frozenset({"subnetId", "gatewayId"}),
    "aws:ec2/securityGroup:SecurityGroup": frozenset({"name", "namePrefix", "description", "vpcId"}),
    "aws:ec2/subnet:Subnet": frozenset({"vpcId", "cidrBlock", "availabilityZone", "availabilityZoneId", "ipv6Native"}),
    "aws:ec2/vpc:Vpc": frozenset({"cidrBlock"}),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": frozenset({"repository", "policy"}),
    "aws:ecr/repository:Repository": frozenset({"name", "encryptionConfigurations"}),
    "aws:ecr/repositoryPolicy:RepositoryPolicy": frozenset({"repository"}),
    "aws:ecs/cluster:Cluster": frozenset({"name"}),
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": frozenset({"clusterName"}),
    "aws:ecs/service:Service": frozenset({"name", "cluster", "launchType", "schedulingStrategy"}),
    # All but its tags: a revision is never changed.
    "aws:ecs/taskDefinition:TaskDefinition": frozenset(
        {"containerDefinitions", "cpu", "enableFaultInjection", "ephemeralStorage", "executionRoleArn", "family"}
        | {"ipcMode", "memory", "networkMode", "pidMode", "placementConstraints", "proxyConfiguration"}
        | {"requiresCompatibilities", "runtimePlatform", "taskRoleArn", "volumes"}
    ),
    "aws:iam/policy:Policy": frozenset({"name", "namePrefix", "path", "description"}),
    "aws:iam/role:Role": frozenset({"name", "namePrefix", "path"}),
    "aws:iam/rolePolicy:RolePolicy": frozenset({"name", "namePrefix", "role"}),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": frozenset({"role", "policyArn"}),
    "aws:kms/key:Key": frozenset({"customKeyStoreId", "customerMasterKeySpec", "keyUsage", "multiRegion", "xksKeyId"}),
    "aws:lambda/alias:Alias": frozenset({"functionName", "name"}),
    "aws:lambda/function:Function": frozenset({"name", "packageType"}),
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": frozenset({"functionName", "qualifier"}),
    "aws:lambda/permission:Permission": frozenset(
        {"action", "function", "principal", "sourceAccount", "sourceArn", "statementId", "statementIdPrefix"}
        | {"eventSourceToken", "functionUrlAuthType", "principalOrgId", "qualifier"}
    ),
    "aws:s3/bucket:Bucket": frozenset({"bucket", "bucketPrefix", "objectLockEnabled"}),
    "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration": _BUCKET,
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _BUCKET,
    "aws:s3/bucketObjectv2:BucketObjectv2": frozenset({"bucket", "key"}),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": frozenset({"bucket"}),
    "aws:s3/bucketPolicy:BucketPolicy": frozenset({"bucket"}),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": frozenset({"bucket"}),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": _BUCKET,
    "aws:s3/bucketVersioning:BucketVersioning": _BUCKET,
    "aws:s3/bucketWebsiteConfiguration:BucketWebsiteConfiguration": _BUCKET,
    "aws:sns/topic:Topic": frozenset({"name", "namePrefix", "fifoTopic"}),
    "aws:sns/topicPolicy:TopicPolicy": frozenset({"arn"}),
    "aws:sns/topicSubscription:TopicSubscription": frozenset({"topic", "protocol", "endpoint"}),
    "aws:sqs/queue:Queue": frozenset({"fifoQueue", "name", "namePrefix"}),
    "aws:sqs/queuePolicy:QueuePolicy": frozenset({"queueUrl"}),
}

HOLDS_DATA = frozenset({"aws:dynamodb/table:Table", "aws:ecr/repository:Repository", "aws:s3/bucket:Bucket"})
"""The types whose loss loses what no deployment can make again."""

"""The protected properties of our own stacks: one change each, and the rules that must fire, no others."""

from typing import Any

REMOVED = object()
CONTAINER = ("containerProperties",)
STATEMENT = ("policy", "Statement", 0)
IMAGE = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/slipway-dev/wordcount:latest"
CHANGES: list[tuple[str, str, tuple[Any, ...], Any, set[str]]] = [
    (
        "ecr:Repository",
        "wordcount",
        ("imageTagMutability",),
        "MUTABLE",
        {"ecr-immutable-tags"},
    ),
    (
        "ecr:Repository",
        "wordcount",
        ("imageTagMutabilityExclusionFilters", 0, "filter"),
        "*",
        {"ecr-immutable-tags"},
    ),
    (
        "ecr:LifecyclePolicy",
        "wordcount",
        ("policy", "rules", -1, "selection", "countNumber"),
        2,
        {"ecr-lifecycle-keeps-running"},
    ),
    ("ecr:Repository", "wordcount", ("imageScanningConfiguration", "scanOnPush"), False, {"ecr-scan-on-push"}),
    ("ecr:LifecyclePolicy", "wordcount", ("repository",), "other", {"ecr-lifecycle-present"}),
    ("ecr:LifecyclePolicy", "wordcount", (), None, {"ecr-lifecycle-present"}),
    ("ecr:LifecyclePolicy", "wordcount", ("policy", "rules"), [], {"ecr-lifecycle-effective"}),
    ("ecr:LifecyclePolicy", "wordcount", ("policy", "rules", 4), REMOVED, {"ecr-lifecycle-effective"}),
    (
        "ecr:LifecyclePolicy",
        "wordcount",
        ("policy", "rules", 3, "selection", "countNumber"),
        "1",
        {"ecr-lifecycle-effective"},
    ),
    ("docker-build:Image", "wordcount", ("platforms",), ["linux/amd64"], {"arm64-image-build"}),
    ("docker-build:Image", "wordcount", ("platforms",), ["linux/arm64", "linux/amd64"], {"arm64-image-build"}),
    ("docker-build:Image", "wordcount", ("platforms",), REMOVED, {"arm64-image-build"}),
    ("lambda:Function", "wordcount-trigger", ("architectures",), ["x86_64"], {"arm64-lambda"}),
    ("lambda:Function", "wordcount-trigger", ("architectures",), REMOVED, {"arm64-lambda"}),
    ("lambda:Function", "reconciler", ("architectures",), ["x86_64"], {"arm64-lambda"}),
    (
        "batch:JobDefinition",
        "wordcount",
        (*CONTAINER, "runtimePlatform", "cpuArchitecture"),
        "X86_64",
        {"arm64-batch-job"},
    ),
    ("batch:JobDefinition", "wordcount", (*CONTAINER, "runtimePlatform"), REMOVED, {"arm64-batch-job"}),
    ("batch:JobDefinition", "wordcount", (*CONTAINER, "image"), IMAGE, {"image-digest-pinned"}),
    ("batch:JobDefinition", "wordcount", (*CONTAINER, "privileged"), True, {"batch-not-privileged"}),
    ("batch:JobDefinition", "wordcount", (*CONTAINER, "logConfiguration"), REMOVED, {"batch-log-roles"}),
    ("batch:JobDefinition", "wordcount", (*CONTAINER, "jobRoleArn"), REMOVED, {"batch-log-roles"}),
    ("batch:JobDefinition", "wordcount", (*CONTAINER, "executionRoleArn"), REMOVED, {"batch-log-roles"}),
    ("batch:JobDefinition", "wordcount", ("timeout",), REMOVED, {"batch-bounded"}),
    ("batch:JobDefinition", "wordcount", ("retryStrategy", "attempts"), 11, {"batch-bounded"}),
    (
        "batch:ComputeEnvironment",
        "slipway-dev",
        ("computeResources",),
        {"type": "EC2", "instanceTypes": ["optimal"]},
        {"arm64-batch-compute"},
    ),
    ("batch:ComputeEnvironment", "slipway-dev", ("computeResources", "type"), "FARGATE_SPOT", {"batch-spot-arm64"}),
    ("apigateway:Method", "wordcount/jobs-post", ("apiKeyRequired",), False, {"api-method-key"}),
    ("apigateway:Method", "wordcount/jobs/jobId-get", ("apiKeyRequired",), REMOVED, {"api-method-key"}),
    ("apigateway:Method", "wordcount/jobs/jobId-delete", ("apiKeyRequired",), False, {"api-method-key"}),
    ("apigateway:Method", "wordcount/jobs-post", ("requestModels",), REMOVED, {"api-validate-body"}),
    ("apigateway:Method", "wordcount/uploads-post", ("requestValidatorId",), REMOVED, {"api-validate-body"}),
    ("apigateway:Integration", "dev-preflight", ("type",), "AWS_PROXY", {"api-options-is-preflight"}),
    ("apigateway:Method", "dev-preflight", ("apiKeyRequired",), True, {"api-options-is-preflight"}),
    ("apigateway:ApiKey", "default-0-1", ("enabled",), False, {"api-key-chain"}),
    ("apigateway:UsagePlanKey", "default-0-1", (), None, {"api-key-chain"}),
    ("apigateway:UsagePlan", "dev-default", ("apiStages", 0, "stage"), "other", {"api-key-chain", "api-throttle"}),
    ("apigateway:UsagePlan", "dev-default", ("throttleSettings",), REMOVED, {"api-throttle"}),
    ("apigateway:Deployment", "slipway-dev", ("triggers",), REMOVED, {"api-redeploy-triggers"}),
    ("apigateway:Response", "default-4xx", (), None, {"api-error-cors"}),
    ("iam:RolePolicy", "wordcount-trigger", (*STATEMENT, "Action"), ["batch:*"], {"iam-no-star"}),
    ("iam:RolePolicy", "wordcount-trigger", (*STATEMENT, "Resource"), ["*"], {"iam-no-star"}),
    (
        "iam:RolePolicy",
        "wordcount-trigger",
        STATEMENT,
        {"Effect": "Allow", "Action": "iam:PassRole", "Resource": "arn:aws:iam::123456789012:role/*"},
        {"iam-passrole-scoped"},
    ),
    (
        "iam:Role",
        "wordcount-job",
        ("assumeRolePolicy", "Statement", 0, "Principal"),
        {"AWS": "*"},
        {"iam-trust-scoped"},
    ),
    (
        "iam:Role",
        "wordcount-job",
        ("managedPolicyArns",),
        ["arn:aws:iam::aws:policy/AdministratorAccess"],
        {"iam-no-admin-policies"},
    ),
    ("lambda:Permission", "dev-wordcount", ("principal",), "*", {"lambda-permission-source"}),
    ("lambda:Permission", "dev-wordcount", ("sourceArn",), REMOVED, {"lambda-permission-source"}),
    ("lambda:Function", "wordcount-trigger", ("runtime",), "python3.8", {"lambda-runtime-supported"}),
    ("lambda:Function", "wordcount-trigger", ("timeout",), 60, {"lambda-timeout-29s"}),
    ("s3:BucketPublicAccessBlock", "dev-results", ("blockPublicAcls",), False, {"s3-public-block"}),
    ("s3:BucketPublicAccessBlock", "dev-results", (), None, {"s3-public-block"}),
    ("s3:BucketPolicy", "dev-inputs", (*STATEMENT, "Effect"), "Allow", {"s3-no-public-policy", "s3-tls-versioning"}),
    (
        "ec2:SecurityGroup",
        "dev-jobs",
        ("ingress",),
        [{"protocol": "tcp", "fromPort": 22, "toPort": 22, "cidrBlocks": ["0.0.0.0/0"]}],
        {"sg-no-open-ingress"},
    ),
]


PRIVATE_SITE = ("origins", 0)
PROD_CHANGES: list[tuple[str, str, tuple[Any, ...], Any, set[str]]] = [
    *(
        ("s3:Bucket", f"prod-{bucket}", (key,), value, {"data-protected"})
        for bucket in ("results", "inputs", "docs")
        for key, value in (("protect", False), ("forceDestroy", True))
    ),
    ("ecr:Repository", "wordcount", ("protect",), False, {"data-protected"}),
    ("ecr:Repository", "wordcount", ("forceDelete",), True, {"data-protected"}),
    (
        "cloudfront:Distribution",
        "prod-docs",
        ("defaultCacheBehavior", "viewerProtocolPolicy"),
        "allow-all",
        {"cloudfront-https"},
    ),
    (
        "cloudfront:Distribution",
        "prod-docs",
        ("defaultCacheBehavior", "responseHeadersPolicyId"),
        REMOVED,
        {"cloudfront-security-headers"},
    ),
    (
        "cloudfront:ResponseHeadersPolicy",
        "prod-docs",
        ("securityHeadersConfig", "strictTransportSecurity"),
        REMOVED,
        {"cloudfront-security-headers"},
    ),
    (
        "cloudfront:Distribution",
        "prod-docs",
        (*PRIVATE_SITE, "originAccessControlId"),
        REMOVED,
        {"cloudfront-private-origin"},
    ),
    ("s3:BucketPublicAccessBlock", "prod-docs", ("restrictPublicBuckets",), False, {"s3-public-block"}),
]
SHARED_CHANGES: list[tuple[str, str, tuple[Any, ...], Any, set[str]]] = [
    ("ecr:Repository", "wordcount", ("protect",), False, {"data-protected"}),
    ("ecr:Repository", "wordcount", ("forceDelete",), True, {"data-protected"}),
    (
        "ecr:RepositoryPolicy",
        "wordcount",
        STATEMENT,
        {"Effect": "Allow", "Principal": "*", "Action": ["ecr:BatchGetImage"]},
        {"ecr-policy-no-wildcard"},
    ),
    ("ecr:LifecyclePolicy", "wordcount", ("policy", "rules", 4), REMOVED, {"ecr-lifecycle-effective"}),
]
VARIABLES = ("environment", "variables")
CHANGES += [
    ("cloudwatch:LogGroup", "wordcount-job", ("retentionInDays",), REMOVED, {"log-retention"}),
    ("cloudwatch:LogGroup", "dev-reconciler", ("retentionInDays",), 0, {"log-retention"}),
    ("lambda:Function", "wordcount-trigger", (*VARIABLES, "DB_PASSWORD"), "correct-horse-1", {"no-plain-secrets"}),
    ("docker-build:Image", "wordcount", ("buildArgs", "API_TOKEN"), "correct-horse-1", {"no-plain-secrets"}),
    (
        "batch:JobDefinition",
        "wordcount",
        (*CONTAINER, "environment"),
        [{"name": "DB_PASSWORD", "value": "correct-horse-1"}],
        {"no-plain-secrets"},
    ),
    ("ecr:Repository", "wordcount", ("tags", "Project"), REMOVED, {"required-tags"}),
    ("apigateway:RestApi", "slipway-dev", ("body",), '{"paths": {"/jobs": {"get": {}}}}', {"api-body-key"}),
]


ALL_CHANGES = {"dev": CHANGES, "prod": PROD_CHANGES, "shared": SHARED_CHANGES}

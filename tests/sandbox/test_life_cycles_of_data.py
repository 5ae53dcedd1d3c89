"""What an update and a destroy of the real provider ask of buckets, objects and tables; see `test_life_cycles`."""

from pathlib import Path

import boto3
from botocore.config import Config

from sandbox.context import Clients
from sandbox.environment import provider_environment
from sandbox.process import Sandbox
from tests.sandbox.conftest import ACCOUNT, OTHER_LIST, REGION, TAG_LIST, TAGS, Create, refused


def test_a_bucket_is_changed(create: Create, client: Clients, unique: str) -> None:
    s3 = client("s3")
    create("aws:s3/bucket:Bucket", bucket=unique, tags=TAGS)
    assert s3.get_bucket_request_payment(Bucket=unique)["Payer"] == "BucketOwner"
    s3.put_bucket_tagging(Bucket=unique, Tagging={"TagSet": OTHER_LIST})
    assert s3.get_bucket_tagging(Bucket=unique)["TagSet"] == OTHER_LIST
    s3.delete_bucket_tagging(Bucket=unique)
    assert refused(s3.get_bucket_tagging, Bucket=unique) == "NoSuchTagSet"
    for status in ("Enabled", "Suspended"):
        s3.put_bucket_versioning(Bucket=unique, VersioningConfiguration={"Status": status})
        assert s3.get_bucket_versioning(Bucket=unique)["Status"] == status
    default = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}, "BucketKeyEnabled": True}
    s3.put_bucket_encryption(Bucket=unique, ServerSideEncryptionConfiguration={"Rules": [default]})
    (rule,) = s3.get_bucket_encryption(Bucket=unique)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms"}
    s3.delete_bucket_encryption(Bucket=unique)
    (rule,) = s3.get_bucket_encryption(Bucket=unique)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    settings = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    for blocked in (True, False):
        config = dict.fromkeys(settings, blocked)
        s3.put_public_access_block(Bucket=unique, PublicAccessBlockConfiguration=config)
        assert s3.get_public_access_block(Bucket=unique)["PublicAccessBlockConfiguration"] == config


def test_the_tags_of_a_bucket_are_those_of_s3_control(client: Clients, unique: str, sandbox: Sandbox) -> None:
    """The provider writes tags as it creates a bucket, and asks the account's own host, through a proxy, for them."""
    client("s3").create_bucket(
        Bucket=unique, CreateBucketConfiguration={"LocationConstraint": REGION, "Tags": TAG_LIST}
    )
    environment = provider_environment(sandbox.port, sandbox.region, Path("unused"))
    control = boto3.client(
        "s3control",
        region_name=REGION,
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        config=Config(proxies={"http": environment["HTTP_PROXY"]}, retries={"total_max_attempts": 1}),
    )
    bucket = {"AccountId": ACCOUNT, "ResourceArn": f"arn:aws:s3:::{unique}"}
    assert control.list_tags_for_resource(**bucket)["Tags"] == TAG_LIST
    control.tag_resource(**bucket, Tags=OTHER_LIST)
    control.untag_resource(**bucket, TagKeys=["Project"])
    assert control.list_tags_for_resource(**bucket)["Tags"] == OTHER_LIST
    assert client("s3").get_bucket_tagging(Bucket=unique)["TagSet"] == OTHER_LIST


def test_an_object_is_changed(create: Create, client: Clients, unique: str) -> None:
    s3 = client("s3")
    create("aws:s3/bucket:Bucket", bucket=unique)
    where = {"Bucket": unique, "Key": "docs/index.html"}
    create(
        "aws:s3/bucketObjectv2:BucketObjectv2",
        bucket=unique,
        key=where["Key"],
        content="first",
        contentType="text/html",
        cacheControl="no-cache",
        tags=TAGS,
    )
    read = s3.head_object(**where)
    assert (read["ContentType"], read["CacheControl"]) == ("text/html", "no-cache")
    assert s3.get_object_tagging(**where)["TagSet"] == TAG_LIST
    s3.put_object(**where, Body=b"second", ContentType="text/html", CacheControl="no-cache")
    s3.put_object_tagging(**where, Tagging={"TagSet": OTHER_LIST})
    assert s3.get_object(**where)["Body"].read() == b"second"
    assert s3.get_object_tagging(**where)["TagSet"] == OTHER_LIST
    s3.delete_object(**where)
    assert refused(s3.head_object, **where) == "404"


def test_a_table_is_changed(create: Create, client: Clients, unique: str) -> None:
    dynamodb = client("dynamodb")
    table = create(
        "aws:dynamodb/table:Table",
        name=unique,
        billingMode="PAY_PER_REQUEST",
        hashKey="id",
        attributes=[{"name": "id", "type": "S"}],
        ttl={"enabled": True, "attributeName": "expiresAt"},
        serverSideEncryption={"enabled": True},
        pointInTimeRecovery={"enabled": False},
        tags=TAGS,
    )
    assert dynamodb.describe_table(TableName=unique)["Table"]["SSEDescription"]["Status"] == "ENABLED"
    recovery = {"PointInTimeRecoveryEnabled": True}
    dynamodb.update_continuous_backups(TableName=unique, PointInTimeRecoverySpecification=recovery)
    found = dynamodb.describe_continuous_backups(TableName=unique)["ContinuousBackupsDescription"]
    assert found["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    dynamodb.update_table(TableName=unique, DeletionProtectionEnabled=True)
    dynamodb.tag_resource(ResourceArn=table["arn"], Tags=OTHER_LIST)
    dynamodb.untag_resource(ResourceArn=table["arn"], TagKeys=["Project"])
    assert dynamodb.describe_table(TableName=unique)["Table"]["DeletionProtectionEnabled"] is True
    assert dynamodb.list_tags_of_resource(ResourceArn=table["arn"])["Tags"] == OTHER_LIST
    ttl = {"Enabled": False, "AttributeName": "expiresAt"}
    dynamodb.update_time_to_live(TableName=unique, TimeToLiveSpecification=ttl)
    read = dynamodb.describe_time_to_live(TableName=unique)["TimeToLiveDescription"]
    assert read["TimeToLiveStatus"] == "DISABLED"

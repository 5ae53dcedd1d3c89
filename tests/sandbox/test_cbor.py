"""CloudWatch in CBOR, the one protocol of it that the provider's SDK speaks; boto3 itself prefers JSON."""

from typing import Any

import pytest
from botocore.config import Config
from botocore.model import ServiceModel
from botocore.session import get_session

from sandbox.context import Clients
from tests.sandbox.conftest import ACCOUNT, OTHER_LIST, REGION, TAG_LIST, refused

PROTOCOL = "smithy-rpc-v2-cbor"


@pytest.fixture
def cloudwatch(client: Clients, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A client that has no other protocol to choose."""
    endpoint = client("cloudwatch").meta.endpoint_url
    monkeypatch.setattr(ServiceModel, "resolved_protocol", PROTOCOL)
    session = get_session()
    session.set_credentials("test", "test")
    config = Config(proxies={})
    return session.create_client("cloudwatch", region_name=REGION, endpoint_url=endpoint, config=config)


def test_an_alarm_from_creation_to_deletion(cloudwatch: Any, unique: str) -> None:
    written = {
        "Namespace": "AWS/Events",
        "MetricName": "TriggeredRules",
        "Dimensions": [{"Name": "RuleName", "Value": unique}],
        "Statistic": "Sum",
        "Period": 900,
        "EvaluationPeriods": 1,
        "Threshold": 1.5,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "notBreaching",
        "ActionsEnabled": True,
        "AlarmActions": [f"arn:aws:sns:{REGION}:{ACCOUNT}:{unique}"],
    }
    cloudwatch.put_metric_alarm(AlarmName=unique, Tags=TAG_LIST, **written)
    answer = cloudwatch.describe_alarms(AlarmNames=[unique], AlarmTypes=["MetricAlarm"])
    assert answer["ResponseMetadata"]["HTTPHeaders"]["content-type"] == "application/cbor"
    (read,) = answer["MetricAlarms"]
    assert {key: read[key] for key in written} == written
    assert not {"Unit", "ExtendedStatistic", "DatapointsToAlarm"} & read.keys()
    cloudwatch.tag_resource(ResourceARN=read["AlarmArn"], Tags=OTHER_LIST)
    cloudwatch.untag_resource(ResourceARN=read["AlarmArn"], TagKeys=["Project"])
    assert cloudwatch.list_tags_for_resource(ResourceARN=read["AlarmArn"])["Tags"] == OTHER_LIST
    cloudwatch.delete_alarms(AlarmNames=[unique])
    assert cloudwatch.describe_alarms(AlarmNames=[unique])["MetricAlarms"] == []
    assert refused(cloudwatch.list_tags_for_resource, ResourceARN=read["AlarmArn"]) == "ResourceNotFound"

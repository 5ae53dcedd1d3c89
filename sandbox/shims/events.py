"""Batch's state changes as EventBridge events."""

import json
from collections.abc import Mapping
from typing import Any

from sandbox import emulator


def publish_batch_event(job: Mapping[str, Any]) -> None:
    """Send `Batch Job State Change` to the default bus, as AWS Batch does.

    PutEvents refuses a source that starts with `aws.`; services publish by another door, and so does this.

    Args:
        job: the job as DescribeJobs answers it.
    """
    entry = {
        "Source": "aws.batch",
        "DetailType": "Batch Job State Change",
        "Detail": json.dumps(job),
        "Resources": [job["jobArn"]],
    }
    emulator.service("eventbridge")._put_events({"Entries": [entry]}, allow_aws_source=True)

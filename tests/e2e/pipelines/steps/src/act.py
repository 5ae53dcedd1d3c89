"""Does what the request asks: write a result, fail, or sleep for a long time."""

import json
import os
import sys
import time
from urllib.parse import urlsplit

import boto3

request = json.loads(os.environ["JOB_PARAMETERS"])
print(f"{os.environ['GREETING']} {request['do']}", flush=True)
if request["do"] == "fail":
    print("out of ideas", file=sys.stderr, flush=True)
    sys.exit(3)
if request["do"] == "sleep":
    time.sleep(600)
target = urlsplit(os.environ["RESULTS_URI"])
body = {"environment": sorted(os.environ), "folder": os.getcwd()}
boto3.client("s3").put_object(
    Bucket=target.netloc,
    Key=f"{target.path.lstrip('/')}{os.environ['AWS_BATCH_JOB_ID']}/done.json",
    Body=json.dumps(body).encode(),
)

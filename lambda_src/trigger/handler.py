"""The function behind the API: one is deployed per pipeline, and `handle` is its entry.

It answers every request with JSON: 2xx as `swagger/openapi.yaml` describes it, else an RFC 9457 problem. Whatever
goes wrong, the caller gets neither a stack trace nor an AWS error text, and the log neither a key nor a header, query
or body.

What it calls, and what its role must allow (nothing else):

| action | on | for |
|---|---|---|
| batch:SubmitJob | job-queue/{queue}, job-definition/{name}:* | POST jobs |
| batch:ListJobs | * (it has no resource level) | GET jobs; POST jobs, after a failure |
| batch:DescribeJobs | * (it has no resource level) | GET job, its logs, DELETE job |
| batch:TerminateJob | job/* | DELETE job |
| dynamodb:PutItem | the table of idempotency keys | POST jobs with Idempotency-Key |
| dynamodb:UpdateItem | the table of idempotency keys | POST jobs with Idempotency-Key |
| logs:GetLogEvents | the pipeline's job log group, log-stream:* | GET logs |
| s3:ListBucket | the results bucket, prefix {pipeline}/* | GET job, once it is finished |
| s3:GetObject | results, {pipeline}/* | through the links that GET job signs |
| s3:PutObject | inputs, {pipeline}/* | through the form that POST uploads signs |

Its own log group apart: logs:CreateLogStream and logs:PutLogEvents, which Lambda itself uses.
"""

import os
from collections.abc import Mapping
from typing import Any

import limits
from answers import render, render_problem
from aws import Aws, AwsError, Cause
from clock import Clock
from consumers import consumer_of
from cors import cors_headers
from deadline import Deadline, LambdaContext
from operations import Operations
from problems import Problem, retry_later
from request import Request, read_request
from request_log import RequestLog
from routing import find_route
from settings import Settings, read_settings


class Application:
    """Answers requests; lives as long as the process."""

    def __init__(self, settings: Settings, aws: Aws, clock: Clock) -> None:
        self._settings = settings
        self._aws = aws
        self._clock = clock
        self._operations = Operations(settings, aws, clock)

    def warm_up(self) -> None:
        """Make the client that nearly every request needs."""
        self._aws.client("batch")

    def answer(self, event: Mapping[str, Any], context: LambdaContext | None) -> dict[str, Any]:
        """A proxy response for a proxy event."""
        log = RequestLog(self._clock, self._aws, self._settings.pipeline)
        deadline = Deadline(self._clock, context)
        cors: Mapping[str, str] = cors_headers(self._settings.cors_origins, None)
        request: Request | None = None
        try:
            request = read_request(event)
            cors = cors_headers(self._settings.cors_origins, next(iter(request.headers.get("origin", ())), None))
            response = self._respond(request, cors, log, deadline)
        except Problem as problem:
            response = self._refuse(problem, request, cors, log)
        except AwsError as error:
            log.note_aws_error(error)
            response = self._refuse(_problem_of(error), request, cors, log)
        except Exception as error:
            log.note_exception(error)
            response = self._refuse(_internal(), request, cors, log)
        log.write(status=response["statusCode"], request_id=request.request_id if request else None)
        return response

    def _respond(
        self, request: Request, cors: Mapping[str, str], log: RequestLog, deadline: Deadline
    ) -> dict[str, Any]:
        route = find_route(request.method, request.path, self._settings.pipeline)
        log.operation, log.job_id = route.operation, route.job_id
        log.consumer = consumer = consumer_of(request.api_key_id, self._settings.consumers)
        answer = self._operations.run(
            route.operation, request, consumer=consumer, job_id=route.job_id, deadline=deadline
        )
        log.job_id = answer.job_id or route.job_id
        return render(answer, cors)

    def _refuse(
        self, problem: Problem, request: Request | None, cors: Mapping[str, str], log: RequestLog
    ) -> dict[str, Any]:
        log.problem = problem.kind
        return render_problem(problem, request.request_id if request else None, cors)


def _problem_of(error: AwsError) -> Problem:
    if error.cause is Cause.REJECTED:
        return _internal()
    return retry_later(
        "unavailable",
        f"Repeat the request after {limits.UNAVAILABLE_RETRY_AFTER_SECONDS} seconds.",
        limits.UNAVAILABLE_RETRY_AFTER_SECONDS,
    )


def _internal() -> Problem:
    return Problem("internal", "The operator finds this request by its requestId.")


_applications: list[Application] = []


def _application() -> Application:
    if not _applications:
        clock = Clock()
        _applications.append(Application(read_settings(os.environ), Aws(clock), clock))
    return _applications[0]


def handle(event: Mapping[str, Any], context: LambdaContext | None) -> dict[str, Any]:
    """Lambda's entry: a proxy event of a REST API to a proxy response."""
    return _application().answer(event, context)


if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    # Lambda initialises with a whole processor, and then gives a small function a fraction of it.
    _application().warm_up()

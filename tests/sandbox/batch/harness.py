"""A Batch on an event loop of its own, and boto3 clients whose requests go straight to it: no socket is opened."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.loaders import Loader
from botocore.model import ServiceModel

from sandbox.batch import Batch
from sandbox.batch.runner import Runner, StartError, Task
from sandbox.images import Image, ImageStore, build

REGION = "eu-central-1"
ACCOUNT = "000000000000"
PATIENCE_SECONDS = 60
FINISHED = ("SUCCEEDED", "FAILED")
MODEL = ServiceModel(Loader().load_service_model("batch", "service-2"))


def client(service: str, answer: Callable[[Any], tuple[int, dict[str, str], bytes]]) -> Any:
    """A boto3 client whose requests are answered by a function instead of the network."""
    made = boto3.client(
        service,
        region_name=REGION,
        endpoint_url="http://127.0.0.1:1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )

    def send(request: Any, **_: Any) -> AWSResponse:
        status, headers, body = answer(request)
        response = AWSResponse(request.url, status, headers, None)
        response._content = body
        return response

    made.meta.events.register(f"before-send.{service}.*", send)
    return made


def check_answer(method: str, path: str, document: dict[str, Any]) -> None:
    """Fail on a member that the model doesn't know, a wrong type, or a required member that is missing."""
    target = "/v1/tags/{resourceArn}" if path.startswith("/v1/tags/") else path
    (operation,) = (
        operation
        for name in MODEL.operation_names
        if (operation := MODEL.operation_model(name)).http == {"method": method, "requestUri": target}
    )
    _check(operation.output_shape, document, operation.name)


def _check(shape: Any, value: Any, where: str) -> None:
    if shape.type_name == "structure":
        unknown = value.keys() - shape.members.keys()
        assert not unknown, f"{where}: {unknown}"
        # AWS itself leaves startedAt out until a job has started, whatever its model says.
        missing = set(shape.required_members) - value.keys() - {"startedAt"}
        assert not missing, f"{where}: {missing}"
        for name, member in value.items():
            _check(shape.members[name], member, f"{where}.{name}")
    elif shape.type_name == "list":
        for member in value:
            _check(shape.member, member, f"{where}[]")
    elif shape.type_name == "map":
        for key, member in value.items():
            assert isinstance(key, str), where
            _check(shape.value, member, f"{where}.{key}")
    else:
        kind = {"string": str, "boolean": bool, "integer": int, "long": int, "float": float}[shape.type_name]
        assert type(value) is kind, f"{where}: {value!r}"
        # AWS takes actions of retry conditions in any case, and gives them back as they were written.
        known = value.upper() if shape.name == "RetryAction" else value
        assert not getattr(shape, "enum", None) or known in shape.enum, f"{where}: {value!r}"


class FakeLogs:
    """CloudWatch Logs, as far as jobs use it, behind a real client that checks each request."""

    def __init__(self) -> None:
        self.groups: dict[str, dict[str, list[str]]] = {}
        self.puts: list[int] = []
        self.written = threading.Condition()
        self.may_put = threading.Event()
        self.may_put.set()

    @cached_property
    def client(self) -> Any:
        return client("logs", self._answer)

    def lines(self, group: str, stream: str) -> list[str]:
        return self.groups[group][stream]

    def wait_for(self, line: str) -> None:
        with self.written:
            assert self.written.wait_for(
                lambda: any(line in lines for group in self.groups.values() for lines in group.values()),
                PATIENCE_SECONDS,
            )

    def _answer(self, request: Any) -> tuple[int, dict[str, str], bytes]:
        operation = request.headers["X-Amz-Target"].decode().rpartition(".")[2]
        body = json.loads(request.body)
        group = body["logGroupName"]
        if operation == "CreateLogGroup":
            self.groups[group] = {}
        elif group not in self.groups:
            error = {"__type": "ResourceNotFoundException", "message": "The specified log group does not exist."}
            return 400, {"content-type": "application/x-amz-json-1.1"}, json.dumps(error).encode()
        elif operation == "CreateLogStream":
            self.groups[group][body["logStreamName"]] = []
        else:
            assert self.may_put.wait(PATIENCE_SECONDS)
            with self.written:
                self.groups[group][body["logStreamName"]] += [event["message"] for event in body["logEvents"]]
                self.puts.append(len(body["logEvents"]))
                self.written.notify_all()
        return 200, {"content-type": "application/x-amz-json-1.1"}, b"{}"


@dataclass
class Run:
    """One attempt that a test lets go on, ends or makes fail to start."""

    task: Task
    started: Callable[[], None]
    output: Callable[[bytes], Awaitable[None]]
    stop: asyncio.Event
    ended: asyncio.Future[int]


class ScriptedRunner:
    """Runs nothing: attempts wait until the test ends them, unless `exit_codes` has the next one's exit code."""

    def __init__(self) -> None:
        self.runs: list[Run] = []
        self.exit_codes: list[int | StartError] = []
        self.stop_code = 137
        self.changed = threading.Condition()

    async def run(
        self,
        task: Task,
        *,
        started: Callable[[], None],
        output: Callable[[bytes], Awaitable[None]],
        stop: asyncio.Event,
    ) -> int:
        run = Run(task, started, output, stop, asyncio.get_running_loop().create_future())
        with self.changed:
            self.runs.append(run)
            self.changed.notify_all()
        if self.exit_codes:
            code = self.exit_codes.pop(0)
            if isinstance(code, StartError):
                raise code
            started()
            return code
        started()
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({stopping, run.ended}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        return run.ended.result() if run.ended.done() else self.stop_code

    def wait_for(self, count: int) -> Run:
        """The attempt of this number, counted from 1, once it runs."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.runs) >= count, PATIENCE_SECONDS), len(self.runs)
        return self.runs[count - 1]

    def end(self, run: Run, exit_code: int = 0) -> None:
        run.ended.get_loop().call_soon_threadsafe(run.ended.set_result, exit_code)


class Clock:
    """Milliseconds since 1970 that a test moves."""

    def __init__(self) -> None:
        self.milliseconds = 1_700_000_000_000

    def __call__(self) -> int:
        self.milliseconds += 1
        return self.milliseconds

    def advance(self, seconds: float) -> None:
        self.milliseconds += int(seconds * 1000)


class Harness:
    """One Batch with a queue `q` on an environment `ce`, driven from the test's thread."""

    def __init__(
        self, folder: Path, *, runner: Runner | None = None, history: Path | None = None, stop_seconds: float = 60
    ) -> None:
        self.folder = folder
        self.store = ImageStore(folder / "images")
        self.logs = FakeLogs()
        self.clock = Clock()
        self.events: list[dict[str, Any]] = []
        self._changed = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.service = Batch(
            endpoint_url="http://127.0.0.1:1",
            region=REGION,
            account_id=ACCOUNT,
            images=self.store,
            history=history,
            on_state_change=self._note,
            runner=runner,
            stop_seconds=stop_seconds,
            now=self.clock,
            logs_client=lambda: self.logs.client,
        )
        self.call(self.service.start())
        self.client = client("batch", self._answer)
        self._stopped = False

    def call(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(PATIENCE_SECONDS)

    def on_loop(self, function: Callable[[], Any]) -> Any:
        async def call() -> Any:
            return function()

        return self.call(call())

    def expire_timers(self) -> int:
        """Let the timeouts of all attempts expire now; returns how many there were."""

        def expire() -> int:
            timers = [timer for timer in self._loop._scheduled if not timer.cancelled() and _is_timeout(timer)]
            for timer in timers:
                timer._callback()
                timer.cancel()
            return len(timers)

        return self.on_loop(expire)

    def raw(self, method: str, path: str, body: bytes = b"") -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of one answer; what isn't an error is held against botocore's model."""
        status, headers, answer = self.call(self.service.handle(method, path, {}, body))
        if status == 200:
            check_answer(method, path, json.loads(answer))
        return status, headers, answer

    def stop(self, grace_seconds: float = 0) -> None:
        if not self._stopped:
            self._stopped = True
            self.call(self.service.stop(grace_seconds))

    def close(self) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_SECONDS)
        self._loop.close()

    def platform(self, vcpus: int = 16, **queue: Any) -> None:
        self.client.create_compute_environment(
            computeEnvironmentName="ce",
            type="MANAGED",
            computeResources={
                "type": "FARGATE",
                "maxvCpus": vcpus,
                "subnets": ["subnet-1"],
                "securityGroupIds": ["sg-1"],
            },
        )
        order = [{"order": 1, "computeEnvironment": "ce"}]
        self.client.create_job_queue(**{"jobQueueName": "q", "priority": 1, "computeEnvironmentOrder": order, **queue})

    def define(self, name: str = "jd", image: str = "none", **changes: Any) -> str:
        """Register a job definition; `container` in `changes` adds container properties. Returns its ARN."""
        container = {
            "image": image,
            "executionRoleArn": "arn:aws:iam::000000000000:role/execution",
            "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "2048"}],
            **changes.pop("container", {}),
        }
        answer = self.client.register_job_definition(
            **{
                "jobDefinitionName": name,
                "type": "container",
                "platformCapabilities": ["FARGATE"],
                "containerProperties": container,
                **changes,
            }
        )
        return answer["jobDefinitionArn"]

    def image(self, dockerfile: str, **files: str) -> Image:
        """An image of a context with these files; `_` in a keyword stands for the dot of the file's name."""
        context = self.folder / f"context-{len(list(self.folder.iterdir()))}"
        context.mkdir()
        (context / "Dockerfile").write_text(dockerfile)
        for name, text in files.items():
            (context / name.replace("_", ".")).write_text(text)
        return build(context, None, {}, self.folder)

    def script(self, text: str, name: str = "jd", **changes: Any) -> str:
        """A job definition whose container runs a shell script."""
        image = self.image('FROM scratch\nCOPY run.sh /run.sh\nENTRYPOINT ["/bin/sh", "/run.sh"]\n', run_sh=text)
        return self.define(name, f"repository@{image.digest}", **changes)

    def submit(self, **request: Any) -> str:
        return self.client.submit_job(**{"jobName": "job", "jobQueue": "q", "jobDefinition": "jd", **request})["jobId"]

    def job(self, job_id: str) -> dict[str, Any]:
        (job,) = self.client.describe_jobs(jobs=[job_id])["jobs"]
        return job

    def wait(self, job_id: str, *statuses: str) -> dict[str, Any]:
        """The job as DescribeJobs shows it once it has one of the statuses, or has had it."""
        wanted = statuses or FINISHED
        with self._changed:
            assert self._changed.wait_for(
                lambda: any(e["jobId"] == job_id and e["status"] in wanted for e in self.events), PATIENCE_SECONDS
            ), self.statuses(job_id)
        return self.job(job_id)

    def wait_for_events(self, job_id: str, status: str, *, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.statuses(job_id).count(status) >= count, PATIENCE_SECONDS)

    def statuses(self, job_id: str) -> list[str]:
        return [event["status"] for event in self.events if event["jobId"] == job_id]

    def _note(self, detail: dict[str, Any]) -> None:
        with self._changed:
            self.events.append(detail)
            self._changed.notify_all()

    def _answer(self, request: Any) -> tuple[int, dict[str, str], bytes]:
        parts = urlsplit(request.url)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        return self.raw(request.method, path, request.body or b"")


def _is_timeout(timer: Any) -> bool:
    return getattr(timer._callback, "__qualname__", "").startswith("Execution.")


def size(vcpus: int) -> dict[str, Any]:
    """Of a job that needs so many vCPUs, as SubmitJob has it."""
    memory = {1: "2048", 2: "4096", 4: "8192", 16: "32768"}[vcpus]
    requirements = [{"type": "VCPU", "value": str(vcpus)}, {"type": "MEMORY", "value": memory}]
    return {"containerOverrides": {"resourceRequirements": requirements}}

"""`slipway up` and `down`: the whole stack in the sandbox on this machine."""

import importlib
import shlex
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.status import Status

from cli.console import answer, print_json, print_tree, progress
from cli.jobs import JobsApi, read_parameters
from cli.outputs import LOCAL_STACK, load_outputs, outputs_file, save_outputs
from cli.preview import stack_region
from cli.project import find_root, state_folder
from engine.config import load_project, load_stack_config
from sandbox import process
from sandbox.docker_engine import Choice, DockerEngine, choose
from sandbox.environment import endpoint_url

if TYPE_CHECKING:
    from sandbox.deploy import SandboxProvider


@dataclass
class Steps:
    """Prints what is being done: one line a finished step, on a terminal also what is under way."""

    started: float = field(default_factory=time.monotonic)
    status: Status = field(default_factory=lambda: progress.status(""))

    @contextmanager
    def step(self, doing: str) -> Generator[list[str]]:
        """Run a step; the caller appends to the list what there is to say about it when it is done."""
        self.status.update(doing)
        self.status.start()
        details: list[str] = []
        try:
            yield details
        finally:
            self.status.stop()
        self.note(" ".join([doing, *details]))

    def note(self, text: str) -> None:
        """Print a line with the time that has passed."""
        progress.print(f"{time.monotonic() - self.started:6.1f} s  {text}")

    def tell(self, text: str) -> None:
        """Say how far the step under way is."""
        self.status.update(text)


@dataclass(frozen=True)
class Sample:
    """A pipeline that has a sample input to try it with."""

    pipeline: str
    input_file: Path


def run_up(port: int | None, *, sample: bool, as_json: bool) -> int:
    """Start the sandbox, deploy the local stack into it, submit the sample job; 1 if that job failed."""
    root = find_root()
    region = stack_region(root, LOCAL_STACK)
    port = port or process.chosen_port()
    steps = Steps()
    outputs_file(root).unlink(missing_ok=True)
    try:
        choice = choose(state_folder(root))
        provider = _start(root, port, region, choice.engine, steps)
        steps.note(_how_built(choice))
        tree, exports = _deploy(root, provider, steps)
        save_outputs(root, exports)
        job = _run_sample(root, steps) if sample else None
    except BaseException:
        # A stack that is half there helps nobody.
        process.stop(state_folder(root))
        outputs_file(root).unlink(missing_ok=True)
        raise
    if as_json:
        print_json({**exports, "sampleJob": job})
    else:
        print_tree(tree)
        _print_summary(root, exports)
    return int(job is not None and job["status"] == "FAILED")


def run_down() -> None:
    """End the sandbox and whatever it started."""
    root = find_root()
    running = process.stop(state_folder(root))
    outputs_file(root).unlink(missing_ok=True)
    progress.print("The sandbox has ended." if running else "Nothing was running.")


def _how_built(choice: Choice) -> str:
    if choice.engine is None:
        return f"images not built: {choice.reason}; the sandbox interprets each Dockerfile"
    return f"images are built by the Docker engine at {choice.engine.host}, and jobs are containers"


def _start(root: Path, port: int, region: str, docker: DockerEngine | None, steps: Steps) -> "SandboxProvider":
    """Start the sandbox, and load Pulumi's SDK and the AWS clients while it does: either takes most of a second."""
    with steps.step("starting the sandbox") as details, ThreadPoolExecutor(1) as thread:
        starting = thread.submit(process.start, state_folder(root), port=port, region=region, docker=docker)

        importlib.import_module("engine.program")
        from sandbox.deploy import SandboxProvider

        provider = SandboxProvider(
            endpoint_url=endpoint_url(port),
            region=region,
            state=state_folder(root),
            root=root,
            docker=docker,
            advise=_advise,
        )
        provider.warm()
        details.append(f"on {starting.result().endpoint_url}")
    return provider


def _advise(pipeline: str, errors: Sequence[str]) -> str | None:
    """What the program itself would say; its modules can be imported while it runs."""
    from components.push_advice import push_advice

    return push_advice(pipeline, errors)


def _deploy(root: Path, provider: "SandboxProvider", steps: Steps) -> tuple[Any, dict[str, Any]]:
    from cli.tree import component_tree
    from engine.program import Registration, run_program

    created = 0
    lock = threading.Lock()

    def observe(registration: Registration, done: bool) -> None:
        nonlocal created
        with lock:
            created += done
            if not done:
                steps.tell(f"creating {registration.name} ({registration.type}), {created} resources so far")

    with steps.step(f"deploying stack {LOCAL_STACK}") as details:
        deployment = run_program(root, LOCAL_STACK, provider=provider, preview=False, observer=observe)
        details.append(f"({created} resources): API at {deployment.exports['apiUrl']}")
    return component_tree(deployment), deployment.exports


def _run_sample(root: Path, steps: Steps) -> dict[str, Any] | None:
    sample = _find_sample(root)
    if sample is None:
        return None
    api = JobsApi(load_outputs(root, LOCAL_STACK))
    with steps.step(f"running a sample job of {sample.pipeline}") as details:
        job = api.submit(sample.pipeline, read_parameters(str(sample.input_file)))
        for state in api.follow(sample.pipeline, job["jobId"]):
            steps.tell(f"job {state['jobId']} is {state['status']}")
            job = state
        reason = f", {job.get('statusReason')}" if job["status"] == "FAILED" else ""
        details.append(f"({job['jobId']}): {job['status']}{reason}")
    for file in job.get("results", {}).get("files", []):
        answer.print(f"\n{file['name']} of job {job['jobId']}:")
        answer.print(api.fetch(file["url"]).strip())
    return job


def _find_sample(root: Path) -> Sample | None:
    """The first pipeline of the local stack with a `sample-input.json` beside its Dockerfile."""
    config = load_stack_config(project := load_project(root), LOCAL_STACK)
    pipelines: Mapping[str, Mapping[str, Any]] = config.get(f"{project.name}:pipelines", {})
    for name, pipeline in pipelines.items():
        path = root / str(pipeline.get("context", "")) / "sample-input.json"
        if path.is_file():
            return Sample(name, path)
    return None


def _print_summary(root: Path, exports: Mapping[str, Any]) -> None:
    url, keys = exports["apiUrl"], exports["apiKeys"]
    answer.print()
    answer.print(f"API   {url}")
    for consumer, key in keys.items():
        answer.print(f"Key   {key}  (consumer {consumer})")
    answer.print(f"Docs  {exports['docsUrl']}")
    sample = _find_sample(root)
    if sample is not None:
        key = next(iter(keys.values()))
        source = shlex.quote("@" + str(sample.input_file.relative_to(root)))
        headers = f"-H 'x-api-key: {key}' -H 'content-type: application/json'"
        answer.print(f"Try   curl -sS {headers} -d {source} {url}/{sample.pipeline}/jobs")
    answer.print("Stop  make down")

"""Jobs that really run, as processes of an image's tree."""

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from sandbox.batch import lifecycle, processes, runner
from sandbox.images import build
from tests.sandbox.batch.conftest import WITHOUT_LOG
from tests.sandbox.batch.harness import PATIENCE_SECONDS, Harness

STREAM_GROUP = "/jobs"
LOG = {"logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": STREAM_GROUP}}}


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch) -> Path:
    """Where the runner makes its folders."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def output(batch: Harness, job) -> list[str]:
    return batch.logs.lines(STREAM_GROUP, job["container"]["logStreamName"])


def gone(pid: str) -> bool:
    """Whether a process ends, even if nobody asks for its exit code: one that was killed may take a moment."""
    try:
        process = os.pidfd_open(int(pid))
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([process], [], [], PATIENCE_SECONDS)[0])
    finally:
        os.close(process)


@pytest.fixture
def logged(batch: Harness) -> Harness:
    batch.logs.groups[STREAM_GROUP] = {}
    return batch


def test_a_program_runs_in_its_own_copy_of_the_tree_with_nothing_of_the_persons_environment(
    logged: Harness, scratch: Path, monkeypatch
):
    monkeypatch.setenv("GITHUB_TOKEN", "secret")
    image = logged.image(
        "FROM python:3.13\nWORKDIR /app\nCOPY main.py .\n"
        'ENV COLOUR=red PYTHONPATH=/app:/lib\nCMD ["python", "main.py"]\n',
        main_py="import json, os, sys\n"
        "open('made', 'w').write('x')\n"
        "print(json.dumps([dict(os.environ), os.getcwd(), sys.prefix]))\n",
    )
    logged.define(image=f"r@{image.digest}", container={**LOG, "environment": [{"name": "SIZE", "value": "2"}]})

    job = logged.wait(logged.submit())

    assert job["status"] == "SUCCEEDED", job
    ((environment, folder, prefix),) = [json.loads(line) for line in output(logged, job)]
    root = folder.removesuffix("/app")
    assert Path(root).parent.parent == scratch
    attempt = environment.pop("SLIPWAY_ATTEMPT")
    assert len(attempt) == 32
    assert environment.pop("PATH").split(":")[0] == str(Path(root).parent / "bin")
    for name in ("PWD", "OLDPWD", "LC_CTYPE", "_", "SHLVL"):  # the shell's and the interpreter's own
        environment.pop(name, None)
    assert environment == {
        "COLOUR": "red",
        "PYTHONPATH": f"{root}/app:/lib",
        "SIZE": "2",
        "HOME": f"{root}/root",
        "TMPDIR": f"{root}/tmp",  # noqa: S108
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_BATCH_JOB_ID": job["jobId"],
        "AWS_BATCH_JOB_ATTEMPT": "1",
        "AWS_BATCH_JQ_NAME": "q",
        "AWS_BATCH_CE_NAME": "ce",
    }
    assert prefix == sys.prefix
    assert not (image.rootfs / "app" / "made").exists()
    assert list(scratch.iterdir()) == []


def test_processes_bear_the_mark_of_the_sandbox_that_started_them(logged: Harness, monkeypatch):
    monkeypatch.setenv("SLIPWAY_SANDBOX", "instance")
    logged.script('echo "$SLIPWAY_SANDBOX"\n', container=LOG)

    assert output(logged, logged.wait(logged.submit())) == ["instance"]


def test_a_tree_that_cannot_be_copied_fails_the_job_and_leaves_nothing(batch: Harness, scratch: Path, monkeypatch):
    def full(*_, **__) -> None:
        raise OSError(28, "No space left on device")

    batch.script("true\n", container=WITHOUT_LOG)
    monkeypatch.setattr(runner.shutil, "copytree", full)

    job = batch.wait(batch.submit())

    assert job["statusReason"] == "Task failed to start"
    assert "No space left on device" in job["container"]["reason"]
    assert list(scratch.iterdir()) == []


def test_links_of_the_image_stay_links(logged: Harness):
    context = logged.folder / "linked"
    context.mkdir()
    (context / "link").symlink_to("target")
    (context / "target").write_text("x")
    (context / "Dockerfile").write_text("FROM scratch\nCOPY . /app\nWORKDIR /app\nCMD readlink link\n")
    logged.define(image=f"r@{build(context, None, {}, logged.folder).digest}", container=LOG)

    assert output(logged, logged.wait(logged.submit())) == ["target"]


def test_a_temporary_folder_with_a_blank_breaks_no_script(logged: Harness, tmp_path: Path, monkeypatch):
    folder = tmp_path / "a b"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    image = logged.image("FROM scratch\nCOPY data.txt /srv/\nCMD cat /srv/data.txt\n", data_txt="hello\n")
    logged.define(image=f"r@{image.digest}", container=LOG)

    assert output(logged, logged.wait(logged.submit())) == ["hello"]


def test_a_job_cannot_point_its_clients_elsewhere(logged: Harness):
    logged.script('echo "$AWS_ENDPOINT_URL $AWS_ACCESS_KEY_ID"\n', container=LOG)
    environment = [
        {"name": "AWS_ENDPOINT_URL", "value": "https://example.org"},
        {"name": "AWS_ACCESS_KEY_ID", "value": "real"},
    ]

    job = logged.wait(logged.submit(containerOverrides={"environment": environment}))

    assert output(logged, job) == ["http://127.0.0.1:1 test"]


def test_the_command_of_the_job_goes_to_the_entrypoint_in_place_of_cmd(logged: Harness):
    image = logged.image(
        'FROM scratch\nCOPY run.sh /bin/\nENTRYPOINT ["/bin/sh", "/bin/run.sh", "first"]\nCMD ["second"]\n',
        run_sh='for word in "$@"; do echo "$word"; done\n',
    )
    logged.define(image=f"r@{image.digest}", container=LOG)

    by_image = logged.wait(logged.submit())
    by_job = logged.wait(logged.submit(containerOverrides={"command": ["a b", "$HOME"]}))

    assert output(logged, by_image) == ["first", "second"]
    assert output(logged, by_job) == ["first", "a b", "$HOME"]


def test_output_and_errors_arrive_line_by_line_while_the_job_runs(logged: Harness):
    logged.script(
        "trap 'printf three; exit 0' TERM; echo one; echo two >&2; echo; while :; do sleep 0.01; done\n", container=LOG
    )
    job_id = logged.submit()

    logged.logs.wait_for("two")
    job = logged.job(job_id)
    assert job["status"] == "RUNNING"
    stream = job["container"]["logStreamName"]
    assert stream.startswith("jd/default/")
    assert logged.logs.lines(STREAM_GROUP, stream) == ["one", "two"]
    logged.client.terminate_job(jobId=job_id, reason="seen")
    job = logged.wait(job_id)

    assert output(logged, job) == ["one", "two", "three"]
    assert job["attempts"][0]["container"]["logStreamName"] == stream


@pytest.mark.parametrize(("script", "code"), [("exit 7", 7), ("kill -9 $$", 137), ("kill -15 $$", 143)])
def test_exit_codes_are_those_of_a_container(batch: Harness, script, code):
    batch.script(f"{script}\n", container=WITHOUT_LOG)

    job = batch.wait(batch.submit())

    assert (job["status"], job["container"]["exitCode"]) == ("FAILED", code)


def test_termination_asks_first(logged: Harness):
    logged.script("trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.01; done\n", container=LOG)
    job_id = logged.submit()
    logged.logs.wait_for("ready")

    logged.client.terminate_job(jobId=job_id, reason="enough")
    job = logged.wait(job_id)

    assert (job["status"], job["container"]["exitCode"], job["statusReason"]) == ("FAILED", 0, "enough")
    assert output(logged, job) == ["ready", "bye"]


def test_who_does_not_listen_is_killed_with_all_that_it_started(new):
    logged = new(stop_seconds=0.1)
    logged.platform()
    logged.logs.groups[STREAM_GROUP] = {}
    image = logged.image(
        'FROM python\nCOPY run.sh daemon.py /\nENTRYPOINT ["/bin/sh", "/run.sh"]\n',
        run_sh="trap '' TERM\npython daemon.py &\nwhile :; do sleep 0.01; done\n",
        daemon_py="import os, signal\nos.setsid()\nprint(os.getpid(), flush=True)\nsignal.pause()\n",
    )
    logged.define(image=f"r@{image.digest}", container=LOG)
    job_id = logged.submit()
    logged.wait(job_id, "RUNNING")
    with logged.logs.written:
        assert logged.logs.written.wait_for(
            lambda: any(lines for lines in logged.logs.groups[STREAM_GROUP].values()), 60
        )

    logged.client.terminate_job(jobId=job_id, reason="enough")
    job = logged.wait(job_id)

    assert job["container"]["exitCode"] == 137
    (pid,) = output(logged, job)
    assert gone(pid)


def test_a_process_left_behind_by_a_job_that_ended_is_killed(logged: Harness):
    script = "setsid sh -c 'echo $$; while :; do sleep 0.01; done' &\nread first < /dev/null\nexit 0\n"
    image = logged.image('FROM scratch\nCOPY run.sh /\nCMD ["/bin/sh", "run.sh"]\n', run_sh=script)
    logged.define(image=f"r@{image.digest}", container=LOG)

    job = logged.wait(logged.submit())

    assert job["status"] == "SUCCEEDED"
    assert all(gone(pid) for pid in output(logged, job))


def test_a_process_that_clears_its_environment_is_killed_too(logged: Harness):
    script = "env -i /bin/sh -c 'echo $$; while :; do /bin/sleep 0.01; done' &\nmkfifo gate; read line < gate\n"
    logged.script(script, container=LOG)
    job_id = logged.submit()
    with logged.logs.written:
        assert logged.logs.written.wait_for(lambda: any(logged.logs.groups[STREAM_GROUP].values()), 60)

    logged.client.terminate_job(jobId=job_id, reason="enough")

    (pid,) = output(logged, logged.wait(job_id))
    assert gone(pid)


def test_a_process_with_another_environment_elsewhere_is_left_alone(tmp_path: Path):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(["/bin/sh", "-c", "echo ready; read line"], cwd=tmp_path, env={"A": "1"}, **pipes) as mine:
        assert mine.stdout
        # Before that it may have no environment yet, as those that are looked for.
        assert mine.stdout.readline() == b"ready\n"
        processes.kill_all("mark", tmp_path)
        assert mine.poll() is None
        mine.kill()


def test_the_end_of_the_sandbox_does_not_wait_for_who_does_not_listen(logged: Harness, monkeypatch):
    monkeypatch.setattr(lifecycle, "_LAST_SECONDS", 0.1)
    logged.script("trap '' TERM; echo $$; while :; do sleep 0.01; done\n", container=LOG)
    job_id = logged.submit()
    with logged.logs.written:
        assert logged.logs.written.wait_for(lambda: any(logged.logs.groups[STREAM_GROUP].values()), 60)

    logged.stop()

    job = logged.job(job_id)
    assert (job["status"], job["statusReason"]) == ("FAILED", "The sandbox ended before the job did.")
    assert (job["container"]["exitCode"], len(job["attempts"])) == (137, 1)
    assert gone(output(logged, job)[0])


def test_a_timeout_stops_a_process(logged: Harness):
    logged.script("echo ready; while :; do sleep 0.01; done\n", container=LOG, timeout={"attemptDurationSeconds": 60})
    job_id = logged.submit()
    logged.logs.wait_for("ready")
    logged.expire_timers()

    job = logged.wait(job_id)

    assert (job["status"], job["statusReason"]) == ("FAILED", "Job attempt duration exceeded timeout")
    assert job["container"]["exitCode"] == 128 + signal.SIGTERM


def test_the_stop_signal_of_the_image_is_sent(logged: Harness):
    image = logged.image(
        'FROM scratch\nCOPY run.sh /\nSTOPSIGNAL SIGUSR1\nCMD ["/bin/sh", "run.sh"]\n',
        run_sh="trap 'echo usr1; exit 3' USR1; echo ready; while :; do sleep 0.01; done\n",
    )
    logged.define(image=f"r@{image.digest}", container=LOG)
    job_id = logged.submit()
    logged.logs.wait_for("ready")

    logged.client.terminate_job(jobId=job_id, reason="enough")

    assert logged.wait(job_id)["container"]["exitCode"] == 3


@pytest.mark.parametrize("image", ["repository:latest", f"repository@sha256:{'0' * 64}"])
def test_an_image_that_is_not_here_cannot_be_pulled(batch: Harness, image):
    batch.define(image=image, container=WITHOUT_LOG)

    job = batch.wait(batch.submit())

    assert job["container"]["reason"].startswith(f"CannotPullContainerError: {image} is not an image of this sandbox")
    assert job["statusReason"] == "Task failed to start"


def test_an_image_without_a_command_needs_one_from_the_job(logged: Harness):
    image = logged.image("FROM scratch\n")
    logged.define(image=f"r@{image.digest}", container=LOG)

    without = logged.wait(logged.submit())
    unknown = logged.wait(logged.submit(containerOverrides={"command": ["no-such-program"]}))
    given = logged.wait(logged.submit(containerOverrides={"command": ["/bin/sh", "-c", "echo $PWD $HOME"]}))

    assert "no command specified" in without["container"]["reason"]
    assert "exec no-such-program: No such file" in unknown["container"]["reason"]
    assert given["status"] == "SUCCEEDED"


def test_a_missing_log_group_keeps_a_job_from_starting(batch: Harness):
    batch.script("true\n", container=LOG)

    job = batch.wait(batch.submit())

    assert "ResourceInitializationError" in job["container"]["reason"]
    assert job["statusReason"] == "Task failed to start"


@pytest.mark.parametrize(
    ("options", "group", "prefix"),
    [
        (None, "/aws/batch/job", "jd"),
        ({"awslogs-group": "/new", "awslogs-create-group": "true", "awslogs-stream-prefix": "p"}, "/new", "p"),
    ],
)
def test_the_group_is_made_where_aws_makes_it(batch: Harness, options, group, prefix):
    container = {} if options is None else {"logConfiguration": {"logDriver": "awslogs", "options": options}}
    batch.script("echo hello\n", container=container)

    job = batch.wait(batch.submit())

    task_id = job["container"]["taskArn"].rpartition("/")[2]
    assert job["container"]["logStreamName"] == f"{prefix}/default/{task_id}"
    assert batch.logs.lines(group, job["container"]["logStreamName"]) == ["hello"]


def test_a_second_pipeline_of_another_kind_runs_too(logged: Harness):
    """No Python, stages, a shell-form command, another folder, variables: nothing is made for one pipeline only."""
    image = logged.image(
        "ARG SHELL_IMAGE=alpine:3.20\n"
        "FROM ${SHELL_IMAGE} AS texts\n"
        "WORKDIR /build\n"
        "COPY greeting.txt ./texts/\n"
        "FROM alpine:3.20\n"
        "ARG WHO=world\n"
        "ENV TEXTS=/srv/job/texts WHO=$WHO\n"
        "WORKDIR /srv\n"
        "WORKDIR job\n"
        "COPY --from=texts --chown=1000:1000 /build/texts texts/\n"
        "RUN adduser -D app && mkdir -p out\n"
        "USER app\n"
        'CMD cat "$TEXTS/greeting.txt" > out/result && echo "$WHO" >> out/result && cat /srv/job/out/result\n',
        greeting_txt="hello\n",
    )
    logged.define(image=f"r@{image.digest}", container=LOG)

    job = logged.wait(logged.submit(containerOverrides={"environment": [{"name": "WHO", "value": "you"}]}))

    assert job["status"] == "SUCCEEDED"
    assert output(logged, job) == ["hello", "you"]

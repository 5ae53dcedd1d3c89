"""RUN: what the sandbox's own Python has is honoured, and any other command is refused."""

import importlib.metadata
import re

import pytest

from sandbox.images import ImageStore
from tests.sandbox.images.conftest import FROM, Context


@pytest.mark.parametrize(
    "run",
    [
        "pip install boto3",
        "pip3 install --no-cache-dir --upgrade pip setuptools wheel boto3",
        "python -m pip install -q 'boto3>=1,<2' httpx[http2]",
        "python3.13 -m pip install --index-url https://example.org/simple boto3",
        "--mount=type=cache,target=/root/.cache pip install boto3",
        '["pip", "install", "boto3"]',
        "pip install -r requirements.txt",
        "pip install --requirement=requirements.txt && useradd --create-home app; mkdir -p /out && chown app /out",
        "pip install 'tomli; python_version < \"3.0\"'",
        "set -e && groupadd -r app && adduser app && chmod -R a+r /app",
        "true",
    ],
)
def test_what_the_sandboxs_python_has_and_what_only_matters_in_a_container_is_honoured(context: Context, run):
    context.write("requirements.txt", "# comment\nboto3 ; python_version > '3'\n\n-r more.txt\n--index-url x\n")
    context.write("more.txt", "httpx>=0.1 \\\n    --hash=sha256:abc  # why\n")

    assert context.build(FROM, "WORKDIR /app", "COPY *.txt ./", f"RUN {run}").notes == []


def test_another_version_is_worth_a_note(context: Context):
    image = context.build(FROM, "RUN pip install boto3==1.0.0")

    (note,) = image.notes
    assert re.fullmatch(r"Line 2 asks for boto3==1\.0\.0; the sandbox's Python has version \d.*", note)
    assert ImageStore(context.state / "images").find(image.digest).notes == [note]


def test_notes_tell_of_the_sandboxs_python_as_it_is_now(context: Context, monkeypatch):
    lines = (FROM, "RUN pip install boto3==1.0.0")
    digest = context.build(*lines).digest
    monkeypatch.setattr(importlib.metadata, "version", lambda _: "1.0.0")

    assert context.build(*lines).digest == digest
    assert ImageStore(context.state / "images").find(digest).notes == []


def test_a_requirements_file_counts_with_those_that_it_includes(context: Context):
    context.write("requirements.txt", "-r more/more.txt\n")
    context.write("more/more.txt", "no-such-distribution\n")

    error = context.refused(FROM, "COPY . /", "RUN pip install -r /requirements.txt")

    assert "doesn't have no-such-distribution" in error.problem


def test_mkdir_and_volume_make_folders(context: Context):
    image = context.build(FROM, "WORKDIR /app", "RUN mkdir -p -m 700 out /data/$X", 'VOLUME ["/vol"]', "VOLUME /a /b")

    for folder in ("app/out", "data", "vol", "a", "b"):
        assert (image.rootfs / folder).is_dir()


def test_packages_of_a_builder_stage_are_those_of_the_sandboxs_python(context: Context):
    image = context.build(
        "FROM python AS builder",
        "RUN python -m venv /opt/venv && /opt/venv/bin/pip install boto3 && pip install --prefix=/install httpx",
        FROM,
        "COPY --from=builder /opt/venv /opt/venv",
        "COPY --from=builder /install /usr/local",
        "COPY --from=builder /usr/local/lib/python3.13/site-packages /usr/local/lib/python3.13/site-packages",
        "ENV PATH=/opt/venv/bin:$PATH",
        'CMD ["python"]',
    )

    assert image.notes == ["Line 6: /usr/local/lib/python3.13/site-packages is the sandbox's own Python."]
    assert image.environment["PATH"].startswith("/opt/venv/bin:/usr/local/sbin:")


@pytest.mark.parametrize(
    ("run", "problem"),
    [
        ("apt-get update", "can't honour 'apt-get update'"),
        ("pip install boto3 && make", "can't honour 'make'"),
        ("echo a > b", "can't honour '>'"),
        ("echo `id`", "can't honour"),
        ("echo $(id)", "can't honour"),
        ("cat a | sh", "can't honour"),
        ("mkdir a || true", "can't honour '||'"),
        ("pip download boto3", "can't honour 'pip download boto3'"),
        ("pip install no-such-distribution", "doesn't have no-such-distribution"),
        ("pip install .", "can't install '.'"),
        ("pip install -e .", "can't install '.'"),
        ("pip install https://example.org/a.whl", "can't install"),
        ("pip install -r missing.txt", "/missing.txt is not in the image"),
        ("echo 'a", "can't be read as a command"),
        ("cat <<EOF", "here-documents"),
        ("curl https://example.org", "can't honour"),
    ],
)
def test_any_other_run_names_its_line_and_what_to_do(context: Context, run, problem):
    error = context.refused(FROM, "WORKDIR /", "# comment", f"RUN {run}")

    assert problem in error.problem
    assert error.place.line == 4
    assert str(error).startswith(f"{context.folder / 'Dockerfile'}:4: RUN {run}\n")
    assert error.remedy


def test_a_line_that_goes_on_is_named_by_its_first(context: Context):
    error = context.refused(FROM, "", "RUN pip install boto3 \\", "  # comment", " && make \\", " all")

    assert error.place.line == 3
    assert "can't honour 'make all'" in error.problem

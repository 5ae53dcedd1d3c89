"""Images made without an engine: what is honoured, what is refused with its line, and the digest."""

import hashlib
import importlib.metadata
import io
import json
import os
import re
import tarfile
from pathlib import Path

import pytest

from sandbox.images import ImageError, ImageStore, build


class Context:
    """A build context and a folder for images."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "context"
        self.folder.mkdir()
        self.state = folder / "state"

    def write(self, name: str, text: str = "x") -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def build(self, *lines: str, **build_args: str):
        self.write("Dockerfile", "\n".join(lines) + "\n")
        return build(self.folder, None, build_args, self.state)

    def tree(self, *lines: str, **build_args: str) -> list[str]:
        root = self.build(*lines, **build_args).rootfs
        return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if not path.is_dir())

    def refused(self, *lines: str, **build_args: str) -> ImageError:
        with pytest.raises(ImageError) as caught:
            self.build(*lines, **build_args)
        assert not [path for path in (self.state / "images").glob("*") if self.state.exists()]
        return caught.value


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(tmp_path)


FROM = "FROM python:3.13-slim"


def test_an_image_has_files_settings_and_a_manifest_whose_digest_it_bears(context: Context):
    context.write("main.py", "print(1)")
    image = context.build(
        "# a comment",
        "FROM --platform=linux/arm64 python:3.13-slim@sha256:" + "0" * 64,
        "LABEL a=b",
        "ENV A=1 \\",
        "    B='two words'",
        "WORKDIR /app",
        "COPY main.py ./",
        "EXPOSE 80",
        "HEALTHCHECK NONE",
        "USER 1000:1000",
        'ENTRYPOINT ["python", "main.py"]',
        'CMD ["--help"]',
    )

    assert (image.rootfs / "app/main.py").read_text() == "print(1)"
    assert dict(image.environment) == {"A": "1", "B": "two words"}
    assert (image.entrypoint, image.cmd) == (["python", "main.py"], ["--help"])
    assert (image.workdir, image.user, image.notes) == ("/app", "1000:1000", [])
    assert image.digest == f"sha256:{hashlib.sha256(image.manifest.encode()).hexdigest()}"
    assert image.folder == context.state / "images" / image.digest.removeprefix("sha256:")
    manifest = json.loads(image.manifest)
    config = (image.folder / "config.json").read_bytes()
    assert manifest["mediaType"] == "application/vnd.oci.image.manifest.v1+json"
    assert manifest["config"]["digest"] == f"sha256:{hashlib.sha256(config).hexdigest()}"
    assert manifest["config"]["size"] == len(config)
    document = json.loads(config)
    assert (document["architecture"], document["os"]) == ("arm64", "linux")
    assert document["config"]["Env"] == ["A=1", "B=two words"]
    assert document["config"]["Labels"] == {"a": "b"}
    assert document["rootfs"]["diff_ids"] == [manifest["layers"][0]["digest"]]


def test_images_are_found_by_digest_and_by_reference(context: Context):
    image = context.build("FROM scratch")
    store = ImageStore(context.state / "images")

    assert store.find(image.digest) == image
    assert store.find(f"123.dkr.ecr.eu-central-1.amazonaws.com/slipway-dev/wordcount@{image.digest}") == image
    for reference in ("name:tag", image.digest[:-1], f"sha256:{'0' * 64}", ""):
        assert store.find(reference) is None


def test_the_digest_is_of_content_not_of_times_modes_or_places(context: Context, tmp_path: Path):
    (tmp_path / "other").mkdir()
    other = Context(tmp_path / "other")
    for each, mode, moment in ((context, 0o600, 1), (other, 0o777, 10**9)):
        each.write("a/b", "text")
        (each.folder / "a/b").chmod(mode)
        os.utime(each.folder / "a/b", (moment, moment))
    lines = (FROM, "COPY a /a", "ENV A=1 B=2")

    first = context.build(*lines)

    assert other.build(*lines).digest == first.digest
    assert context.build(*lines).folder.stat().st_ino == first.folder.stat().st_ino


@pytest.mark.parametrize(
    "lines",
    [
        ("FROM python:3.12-slim", "COPY a /a"),
        (FROM, "COPY a /b"),
        (FROM, "COPY a /a", "ENV A=1"),
        (FROM, "COPY a /a", "USER 1"),
        (FROM, "COPY a /a", "RUN pip install boto3"),
        (FROM, "COPY a /a", 'CMD ["sh"]'),
    ],
)
def test_whatever_changes_the_image_changes_the_digest(context: Context, lines):
    context.write("a", "text")
    digest = context.build(FROM, "COPY a /a").digest

    assert context.build(*lines).digest != digest
    context.write("a", "other text")
    assert context.build(FROM, "COPY a /a").digest != digest


def test_neither_umask_nor_the_order_of_a_listing_changes_the_digest(context: Context, monkeypatch):
    for name in ("a", "d/b", "d/c"):
        context.write(name)
    lines = (FROM, "WORKDIR /app", "COPY . .", "RUN mkdir out")
    digest = context.build(*lines).digest
    listed = Path.rglob
    monkeypatch.setattr(Path, "rglob", lambda self, pattern: reversed(list(listed(self, pattern))))
    umask = os.umask(0o077)
    try:
        assert context.build(*lines).digest == digest
    finally:
        os.umask(umask)


def test_a_hard_link_is_a_file_like_any_other(context: Context):
    def archive(*, linked: bool) -> None:
        with tarfile.open(context.folder / "a.tar", "w") as tar:
            for name in ("one", "two"):
                info = tarfile.TarInfo(name)
                info.size = 1
                if linked and name == "two":
                    info.type, info.linkname, info.size = tarfile.LNKTYPE, "one", 0
                tar.addfile(info, io.BytesIO(b"x"))

    archive(linked=False)
    digest = context.build(FROM, "ADD a.tar /").digest
    archive(linked=True)

    assert context.build(FROM, "ADD a.tar /").digest == digest


def test_links_are_part_of_the_content(context: Context):
    context.write("d/a")
    (context.folder / "d/l").symlink_to("a")
    digest = context.build(FROM, "COPY d /d").digest
    (context.folder / "d/l").unlink()
    (context.folder / "d/l").symlink_to("b")

    assert context.build(FROM, "COPY d /d").digest != digest


def test_nothing_is_left_of_a_build_but_the_image(context: Context):
    image = context.build(FROM)
    context.build(FROM)

    assert list((context.state / "images").iterdir()) == [image.folder]


@pytest.mark.parametrize(
    ("instruction", "files"),
    [
        ("COPY a.txt /x", ["x"]),
        ("COPY a.txt /x/", ["x/a.txt"]),
        ("COPY a.txt .", ["work/a.txt"]),
        ("COPY a.txt sub/b", ["work/sub/b"]),
        ("COPY a.txt d/c.txt /x/", ["x/a.txt", "x/c.txt"]),
        ("COPY d /x", ["x/c.txt", "x/e/f.txt"]),
        ("COPY d/ x", ["work/x/c.txt", "work/x/e/f.txt"]),
        ("COPY . /x", ["x/Dockerfile", "x/a.txt", "x/b c.txt", "x/d/c.txt", "x/d/e/f.txt"]),
        ("COPY *.txt /x/", ["x/a.txt", "x/b c.txt"]),
        ("COPY d/* /x/", ["x/c.txt", "x/f.txt"]),
        ('COPY ["b c.txt", "/x/"]', ["x/b c.txt"]),
        ("COPY --chown=1:1 --chmod=755 --link a.txt /x", ["x"]),
        ("COPY /a.txt ../../x", ["x"]),
        ("ADD a.txt /x", ["x"]),
    ],
)
def test_files_go_where_docker_puts_them(context: Context, instruction, files):
    for name in ("a.txt", "b c.txt", "d/c.txt", "d/e/f.txt"):
        context.write(name)

    assert context.tree(FROM, "WORKDIR /work", instruction) == files


def test_several_sources_need_a_folder(context: Context):
    context.write("a")

    assert "must be a folder" in context.refused(FROM, "COPY a a /x").problem


def test_add_unpacks_an_archive(context: Context):
    with tarfile.open(context.folder / "a.tar.gz", "w:gz") as tar:
        info = tarfile.TarInfo("inner/file")
        info.size = 1
        tar.addfile(info, io.BytesIO(b"x"))

    assert context.tree(FROM, "ADD a.tar.gz /x/") == ["x/inner/file"]
    assert context.tree(FROM, "COPY a.tar.gz /x/") == ["x/a.tar.gz"]


@pytest.mark.parametrize(
    ("ignore", "files"),
    [
        ("*.md\nd", ["Dockerfile", "a.txt", "e/b.md"]),
        ("**/*.md\n!e/b.md\n# d", ["Dockerfile", "a.txt", "d/c.txt", "e/b.md"]),
        ("*\n!d/c.txt", ["d/c.txt"]),
        ("/d/\nDockerfile*", ["a.txt", "b.md", "e/b.md"]),
        ("c.txt", ["Dockerfile", "a.txt", "b.md", "d/c.txt", "e/b.md"]),
    ],
)
def test_dockerignore_counts_from_the_root_and_the_last_match_decides(context: Context, ignore, files):
    for name in ("a.txt", "b.md", "d/c.txt", "e/b.md"):
        context.write(name)
    context.write(".dockerignore", ignore)

    assert [name for name in context.tree(FROM, "COPY . /") if name != ".dockerignore"] == files


def test_a_dockerfile_may_have_its_own_ignore_file_and_name(context: Context):
    for name in ("a", "b"):
        context.write(name)
    context.write(".dockerignore", "a")
    context.write("other.Dockerfile.dockerignore", "*\n!b")
    context.write("other.Dockerfile", f"{FROM}\nCOPY . /\n")

    image = build(context.folder, Path("other.Dockerfile"), {}, context.state)

    assert [path.name for path in image.rootfs.iterdir()] == ["b"]


def test_what_dockerignore_leaves_out_is_not_there(context: Context):
    context.write("a")
    context.write(".dockerignore", "a")

    assert "a is not in the context, or .dockerignore leaves it out" in context.refused(FROM, "COPY a /").problem


@pytest.mark.parametrize("target", ["/etc/passwd", "../../secret"])
def test_a_link_out_of_the_context_is_refused(context: Context, target):
    context.write("d/a")
    (context.folder / "d/link").symlink_to(target)

    error = context.refused(FROM, "COPY d /d")

    assert "d/link is a link out of the tree" in error.problem
    assert error.place.line == 2


def test_scripts_are_executable_whatever_their_mode_was(context: Context):
    context.write("run", "#!/bin/sh\n")
    context.write("data")
    image = context.build(FROM, "COPY run data /x/")

    assert (image.rootfs / "x/run").stat().st_mode & 0o777 == 0o755
    assert (image.rootfs / "x/data").stat().st_mode & 0o777 == 0o644


def test_stages_build_on_each_other_and_copy_from_each_other(context: Context):
    for name in ("a", "b"):
        context.write(name)
    image = context.build(
        "FROM golang AS base",
        "ENV A=1",
        "WORKDIR /base",
        "COPY a .",
        'CMD ["sh"]',
        "FROM base as middle",
        "COPY b .",
        "FROM scratch",
        "COPY b /unused",
        "RUN make everything",
        "FROM Middle",
        "COPY --from=base /base/a /copied",
        "COPY --from=0 /base /folder",
        "ENV B=2",
    )

    root = image.rootfs
    files = sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
    assert files == ["base/a", "base/b", "copied", "folder/a"]
    assert dict(image.environment) == {"A": "1", "B": "2"}
    assert (image.workdir, image.cmd) == ("/base", ["sh"])


def test_an_entrypoint_clears_an_inherited_cmd_only(context: Context):
    inherited = context.build("FROM scratch AS a", 'CMD ["a"]', "FROM a", 'ENTRYPOINT ["sh"]')
    own = context.build("FROM scratch AS a", 'CMD ["a"]', "FROM a", 'CMD ["b"]', 'ENTRYPOINT ["sh"]')

    assert (inherited.entrypoint, inherited.cmd) == (["sh"], [])
    assert (own.entrypoint, own.cmd) == (["sh"], ["b"])


def test_the_shell_form_goes_through_the_shell(context: Context):
    image = context.build(FROM, "ENTRYPOINT exec python3 $X", "CMD echo 'a b'")
    other = context.build(FROM, 'SHELL ["sh", "-ec"]', "CMD echo")

    assert image.entrypoint == ["/bin/sh", "-c", "exec python3 $X"]
    assert image.cmd == ["/bin/sh", "-c", "echo 'a b'"]
    assert other.cmd == ["sh", "-ec", "echo"]


def test_variables_come_from_arg_env_and_the_build(context: Context):
    context.write("a-1")
    image = context.build(
        "ARG BASE=3.13",
        "ARG OUTSIDE=out",
        "FROM python:${BASE}",
        "ARG VERSION",
        "ARG GIVEN=default",
        "ARG OUTSIDE",
        "ARG TARGETARCH",
        "ENV V=${VERSION:-none} G=$GIVEN O=${OUTSIDE} T=$TARGETARCH U=${UNSET} S='$GIVEN' E=\\$GIVEN",
        "ENV P=${GIVEN:+plus} Q=${UNSET:+plus} OLD=gone",
        "ENV OLD form of $GIVEN",
        "ENV EMPTY= EMPTY_MINUS=${U-x}",
        "ENV COLON=${EMPTY:-x} MINUS=${EMPTY-x} PLUS=${EMPTY+x} COLON_PLUS=${EMPTY:+x}",
        "COPY a-$GIVEN /",
        GIVEN="1",
    )

    assert dict(image.environment) == {
        "V": "none",
        "G": "1",
        "O": "out",
        "T": "arm64",
        "U": "",
        "S": "$GIVEN",
        "E": "$GIVEN",
        "P": "plus",
        "Q": "",
        "OLD": "form of 1",
        "EMPTY": "",
        "EMPTY_MINUS": "",
        "COLON": "x",
        "MINUS": "",
        "PLUS": "x",
        "COLON_PLUS": "",
    }
    assert (image.rootfs / "a-1").exists()


def test_an_argument_is_known_in_stages_that_start_from_its_stage_only(context: Context):
    lines = ("FROM scratch AS base", "ARG A=1", "FROM base AS child", "ENV A=$A", "FROM scratch AS other", "ENV A=$A")

    assert context.build(*lines, "FROM child").environment["A"] == "1"
    assert context.build(*lines, "FROM other").environment["A"] == ""


def test_a_later_copy_replaces_an_earlier_one(context: Context):
    for name in ("d/a", "d/b"):
        context.write(name, name)
    (context.folder / "d/link").symlink_to("a")
    image = context.build(FROM, "COPY d /x", "COPY d/b /x/a", "COPY d/b /x/link")

    texts = {path.name: path.read_text() for path in (image.rootfs / "x").iterdir()}
    assert texts == {"a": "d/b", "b": "d/b", "link": "d/b"}


@pytest.mark.parametrize("line", ["COPY d /", "RUN mkdir /x/y", "WORKDIR /x", "COPY a /x/y"])
def test_a_file_where_a_folder_should_be_names_its_line(context: Context, line):
    for name in ("a", "d/x/y"):
        context.write(name)

    error = context.refused(FROM, "COPY a /x", line)

    assert "can't be carried out" in error.problem
    assert error.place.line == 3


def test_an_archive_that_leaves_the_tree_is_refused(context: Context):
    with tarfile.open(context.folder / "a.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo("../../out"))

    assert "outside the destination" in context.refused(FROM, "ADD a.tar /").problem


def test_env_goes_before_arg(context: Context):
    image = context.build(FROM, "ENV A=env", "ARG A=arg", "ENV B=$A", A="given")

    assert image.environment["B"] == "env"


def test_workdirs_add_up(context: Context):
    image = context.build(FROM, "ENV BASE=/srv", "WORKDIR $BASE", "WORKDIR a/../b", "WORKDIR c")

    assert image.workdir == "/srv/b/c"
    assert (image.rootfs / "srv/b/c").is_dir()


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


@pytest.mark.parametrize(
    ("lines", "line", "problem"),
    [
        (("FROM --platform=linux/amd64 python",), 1, "must be for linux/arm64"),
        (("ARG P=linux/386", "FROM --platform=$P python"), 2, "must be for linux/arm64"),
        (("FROM $UNSET",), 1, "names no image"),
        (("WORKDIR /", FROM), 1, "Only ARG may come before FROM"),
        ((FROM, "ADD https://example.org/a /a"), 2, "fetches nothing"),
        ((FROM, "COPY --from=nginx /a /a"), 2, "nginx is not an earlier stage"),
        ((FROM, "COPY --from=0 /a /a"), 2, "0 is not an earlier stage"),
        (("FROM a AS x", "FROM b", "COPY --from=x /usr/bin/tool /"), 3, "/usr/bin/tool is not in the stage"),
        ((FROM, "COPY --parents a /a"), 2, "doesn't know --parents"),
        ((FROM, "COPY missing /a"), 2, "missing is not in the context"),
        ((FROM, "COPY a"), 2, "needs a source and a destination"),
        ((FROM, "INCLUDE a"), 2, "INCLUDE is not an instruction"),
        ((FROM, "STOPSIGNAL SIGNOTHING"), 2, "not a signal"),
        ((FROM, "SHELL /bin/sh"), 2, "must be a JSON list"),
        ((FROM, 'ENTRYPOINT ["/usr/bin/tool"]'), 2, "/usr/bin/tool is not in the image's own tree"),
        ((FROM, 'CMD ["python", "/opt/app/main.py"]'), 2, "/opt/app/main.py is not in the image's own tree"),
        ((FROM, "CMD python /opt/app/main.py"), 2, "/opt/app/main.py is not in the image's own tree"),
        ((FROM, "CMD python 'a' >/opt/app/out"), 2, "/opt/app/out is not in the image's own tree"),
        ((FROM, 'CMD ["no-such-program"]'), 2, "no-such-program is neither in the image's own tree nor on this"),
        ((FROM, "CMD exec no-such-program a"), 2, "no-such-program is neither"),
        ((FROM, 'ENTRYPOINT ["./run.sh"]'), 2, "./run.sh is neither"),
        ((FROM, 'ENTRYPOINT ["/bin/sh", "/run.sh"]', 'CMD ["x"]'), 2, "/run.sh is not in the image's own tree"),
    ],
)
def test_what_cannot_be_honoured_names_its_line(context: Context, lines, line, problem):
    context.write("a")
    error = context.refused(*lines)

    assert problem in error.problem
    assert error.place.line == line


@pytest.mark.parametrize(
    "line",
    [
        'ENTRYPOINT ["/app/run", "/app/data"]',
        'ENTRYPOINT ["./run"]',
        'ENTRYPOINT ["/bin/sh", "-c", "exec /app/run < /dev/null > /tmp/x"]',
        'CMD ["/usr/local/bin/python3.13", "-m", "json.tool"]',
        'CMD ["/usr/bin/env", "python"]',
        "CMD python3 run https://example.org/path s3://bucket/key a/b --x=./y",
        "CMD cd /app && ./run",
        "ENTRYPOINT run",
        'CMD ["run"]',
    ],
)
def test_commands_of_the_tree_the_shell_and_python_pass(context: Context, line):
    context.write("run", "#!/bin/sh\n")

    assert context.build(FROM, "WORKDIR /app", "COPY run ./", "ENV PATH=/app:$PATH", line)


def test_a_missing_dockerfile_or_context_is_said(tmp_path: Path):
    with pytest.raises(ImageError, match=r"Dockerfile\n  There is no Dockerfile here"):
        build(tmp_path, None, {}, tmp_path / "state")
    with pytest.raises(ImageError, match="There is no such folder"):
        build(tmp_path / "missing", None, {}, tmp_path / "state")


@pytest.mark.parametrize(("content", "problem"), [(b"", "has no FROM"), (b"\xff\xfe", "not UTF-8"), (b"#x", "no FROM")])
def test_a_file_that_is_no_dockerfile_is_said(context: Context, content, problem):
    (context.folder / "Dockerfile").write_bytes(content)

    with pytest.raises(ImageError, match=problem):
        build(context.folder, None, {}, context.state)

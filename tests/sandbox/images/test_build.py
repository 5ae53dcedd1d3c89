"""Stages, variables and settings of a Dockerfile; what is refused names its line."""

from pathlib import Path

import pytest

from sandbox.images import ImageError, build
from tests.sandbox.images.conftest import FROM, Context


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


def test_env_goes_before_arg(context: Context):
    image = context.build(FROM, "ENV A=env", "ARG A=arg", "ENV B=$A", A="given")

    assert image.environment["B"] == "env"


def test_workdirs_add_up(context: Context):
    image = context.build(FROM, "ENV BASE=/srv", "WORKDIR $BASE", "WORKDIR a/../b", "WORKDIR c")

    assert image.workdir == "/srv/b/c"
    assert (image.rootfs / "srv/b/c").is_dir()


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

"""The way of a job's output: batches, limits and bounded memory."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from sandbox.batch import logs
from tests.sandbox.batch.harness import FakeLogs


@pytest.fixture
def fake() -> FakeLogs:
    fake = FakeLogs()
    fake.groups["g"] = {}
    return fake


def write(fake: FakeLogs, *chunks: bytes) -> list[str]:
    async def run() -> None:
        with ThreadPoolExecutor(1) as executor:
            stream = logs.LogStream(lambda: fake.client, executor, "g", "s")
            await stream.open(create_group=False)
            for chunk in chunks:
                await stream.write(chunk)
            await stream.close()

    asyncio.run(run())
    return fake.lines("g", "s")


def test_lines_are_put_together_from_chunks(fake):
    assert write(fake, b"on", b"e\r\ntw", b"o\n\nth", b"ree") == ["one", "two", "three"]
    assert fake.puts == [3]


def test_what_is_not_text_is_replaced(fake):
    assert write(fake, b"a\xffb\n") == ["a\ufffdb"]


def test_a_long_line_becomes_several_events(fake):
    lines = write(fake, b"x" * (logs.LARGEST_LINE_BYTES + 5), b"\n")

    assert [len(line) for line in lines] == [logs.LARGEST_LINE_BYTES, 5]


def test_a_line_without_end_is_not_gathered_without_end(fake):
    lines = write(fake, *[b"y" * 100_000] * 6)

    assert [len(line) for line in lines] == [logs.LARGEST_LINE_BYTES, logs.LARGEST_LINE_BYTES, 75_764]


def test_a_batch_keeps_the_limits_of_cloudwatch(fake):
    lines = write(fake, b"\n".join([b"z" * 200_000] * 12))

    assert len(lines) == 12
    assert sum(fake.puts) == 12
    assert max(fake.puts) <= 5


def test_a_job_that_writes_faster_than_its_log_takes_has_to_wait(fake):
    async def run() -> bool:
        fake.may_put.clear()
        with ThreadPoolExecutor(1) as executor:
            stream = logs.LogStream(lambda: fake.client, executor, "g", "s")
            await stream.open(create_group=False)
            writing = asyncio.create_task(stream.write(b"line\n" * 5_000))
            for _ in range(1000):
                await asyncio.sleep(0)
            waited = not writing.done()
            fake.may_put.set()
            await writing
            await stream.close()
        return waited

    assert asyncio.run(run())
    assert len(fake.lines("g", "s")) == 5_000


def test_a_log_that_cannot_be_written_does_not_stop_the_job(fake, caplog):
    async def run() -> None:
        with ThreadPoolExecutor(1) as executor:
            stream = logs.LogStream(lambda: fake.client, executor, "g", "s")
            await stream.open(create_group=False)
            fake.groups.clear()
            await stream.write(b"lost\n")
            await stream.close()

    asyncio.run(run())

    assert "1 lines of s were lost" in caplog.text

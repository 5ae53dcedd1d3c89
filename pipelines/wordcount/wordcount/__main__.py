"""One job: read `JOB_PARAMETERS`, count, write `result.json`.

Environment: JOB_PARAMETERS (JSON), RESULTS_URI and INPUTS_URI (`s3://bucket/prefix/`), AWS_BATCH_JOB_ID.
Exit codes are those of sysexits.h, so that a failed job says what to do: README.md lists them.
"""

import os
import signal
import sys
from types import FrameType
from typing import NoReturn, TextIO

from botocore.exceptions import BotoCoreError, ClientError

from .request import RequestError, read_request
from .storage import InputError, read_text, write_result
from .words import count, most_frequent


def main() -> int:
    # Batch ends a job by SIGTERM, which the first process of a container ignores unless it asks for it.
    signal.signal(signal.SIGTERM, _stop)
    try:
        run(os.environ)
    except KeyError as error:
        return _fail(os.EX_CONFIG, f"The environment variable {error.args[0]} is missing: is this a Slipway job?")
    except RequestError as error:
        return _fail(os.EX_USAGE, str(error))
    except InputError as error:
        return _fail(os.EX_DATAERR, str(error))
    except (BotoCoreError, ClientError) as error:
        return _fail(os.EX_UNAVAILABLE, f"Storage did not answer as expected: {error}")
    return os.EX_OK


def run(environment: "os._Environ[str] | dict[str, str]") -> None:
    request = read_request(environment["JOB_PARAMETERS"])
    results_uri, job_id = environment["RESULTS_URI"], environment["AWS_BATCH_JOB_ID"]
    if request.text is not None:
        _say(f"Counting the words of {len(request.text)} characters from the request.")
        pieces = iter([request.text])
    else:
        _say(f"Counting the words of the input {request.input_key}.")
        pieces = read_text(environment["INPUTS_URI"], request.input_key or "")
    counts = count(pieces, min_length=request.min_length, case_sensitive=request.case_sensitive)
    result = {
        "words": counts.total(),
        "distinctWords": len(counts),
        "top": [{"word": word, "count": times} for word, times in most_frequent(counts, request.top)],
    }
    location = write_result(results_uri, job_id, result)
    _say(f"{counts.total()} words, {len(counts)} of them distinct. Written to {location}.")


def _fail(code: int, message: str) -> int:
    _say(f"wordcount: {message}", to=sys.stderr)
    return code


def _say(message: str, *, to: TextIO | None = None) -> None:
    stream = to or sys.stdout
    stream.write(message + "\n")
    # Flushed, so that the logs can be followed while the job runs.
    stream.flush()


def _stop(number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(_fail(128 + number, "Ended from outside: timed out or cancelled."))


if __name__ == "__main__":
    sys.exit(main())

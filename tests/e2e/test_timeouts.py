"""A job that runs too long. Last in the alphabet but for the commands: it was submitted with the first test, and no
timeout is below a minute.
"""

from tests.e2e.conftest import Api


def test_a_job_that_exceeds_its_timeout_fails_with_that_reason(slow: Api, overdue_job: str) -> None:
    job = slow.finished("steps", overdue_job)
    assert (job["status"], job["statusReason"]) == ("FAILED", "Job attempt duration exceeded timeout")

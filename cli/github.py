"""What the workflows do on GitHub: one comment on a pull request, one issue about drift, each kept up to date.

Called with the token of the run, which can do no more than the workflow's `permissions` say.
"""

from collections.abc import Iterator
from typing import Any, cast

import httpx

from cli.errors import CliError

BOT = "github-actions[bot]"
"""Who writes with the token of a run: a marker in anybody else's comment is none of ours."""
_PAGE = 100


class GithubApi:
    """The REST API, for one repository.

    Args:
        repository: OWNER/NAME.
        transport: for tests.
    """

    def __init__(
        self,
        repository: str,
        token: str,
        *,
        api_url: str = "https://api.github.com",
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._path = f"/repos/{repository}"
        self._client = httpx.Client(
            base_url=api_url,
            transport=transport,
            timeout=30,
            headers={
                "authorization": f"Bearer {token}",
                "accept": "application/vnd.github+json",
                "x-github-api-version": "2022-11-28",
            },
        )

    def pull_request_of(self, head: str, commit: str) -> int | None:
        """The open pull request whose head is this branch at this very commit; None if there is none.

        A run on a pull request from a fork doesn't name the pull request in its event, and what its artifact says could
        name another one.

        Args:
            head: OWNER:BRANCH.
        """
        for item in self._pages("/pulls", {"state": "open", "head": head}):
            # GitHub ignores a `head` that it can't make sense of, and lists all.
            if item["head"]["sha"] == commit and item["head"]["label"] == head:
                return int(item["number"])
        return None

    def keep_comment(self, number: int, marker: str, body: str) -> str:
        """Write the one comment that begins with `marker`, new or in place of what it said; its address."""
        for comment in self._pages(f"/issues/{number}/comments"):
            if _is_ours(comment, marker):
                return str(self._send("PATCH", f"/issues/comments/{comment['id']}", {"body": body})["html_url"])
        return str(self._send("POST", f"/issues/{number}/comments", {"body": body})["html_url"])

    def keep_issue(self, marker: str, title: str, body: str) -> str:
        """Write the one open issue that begins with `marker`; its address."""
        content = {"title": title, "body": body}
        issue = self._find_issue(marker)
        if issue:
            return str(self._send("PATCH", f"/issues/{issue['number']}", content)["html_url"])
        return str(self._send("POST", "/issues", content)["html_url"])

    def close_issue(self, marker: str, reason: str) -> bool:
        """Close that issue with a last comment. Tells whether one was open."""
        issue = self._find_issue(marker)
        if issue is None:
            return False
        self._send("POST", f"/issues/{issue['number']}/comments", {"body": reason})
        self._send("PATCH", f"/issues/{issue['number']}", {"state": "closed", "state_reason": "completed"})
        return True

    def _find_issue(self, marker: str) -> dict[str, Any] | None:
        found = self._pages("/issues", {"state": "open", "creator": BOT})
        return next((issue for issue in found if _is_ours(issue, marker)), None)

    def _pages(self, path: str, query: dict[str, str] | None = None) -> Iterator[dict[str, Any]]:
        page = 1
        while True:
            params = {**(query or {}), "per_page": str(_PAGE), "page": str(page)}
            items = cast("list[dict[str, Any]]", self._send("GET", path, params=params))
            yield from items
            if len(items) < _PAGE:
                return
            page += 1

    def _send(self, method: str, path: str, body: object = None, params: dict[str, str] | None = None) -> Any:
        try:
            response = self._client.request(method, self._path + path, json=body, params=params)
        except httpx.TransportError as error:
            raise CliError(f"GitHub can't be reached: {error}") from error
        if not response.is_success:
            hint = ""
            if response.status_code in (401, 403, 404):
                hint = " Does the workflow's `permissions` allow it, and is GITHUB_TOKEN that of the run?"
            raise CliError(f"GitHub answered {response.status_code} to {method} {path}: {_reason(response)}.{hint}")
        return response.json()


def _is_ours(item: dict[str, Any], marker: str) -> bool:
    user: dict[str, Any] = item.get("user") or {}
    return user.get("login") == BOT and str(item.get("body") or "").startswith(marker)


def _reason(response: httpx.Response) -> str:
    try:
        return str(response.json().get("message", "no reason"))
    except (ValueError, AttributeError):
        return "no reason"

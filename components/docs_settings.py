"""How the docs site is served: its settings."""

from dataclasses import dataclass

from components.settings_keys import KEYS
from components.settings_reader import Section

_WEBSITE_STACKS = ("local", "dev")


@dataclass(frozen=True, kw_only=True)
class DocsSettings:
    """How the docs site is served."""

    mode: str
    """`website` or `cloudfront`."""
    domain: str | None
    """A host name of one's own, `cloudfront` only."""
    certificate_arn: str | None
    """The certificate for `domain`: CloudFront takes one in us-east-1 only."""


def read_docs(top: Section, stack: str) -> DocsSettings:
    """Read `docs`; problems are kept in the section."""
    section = top.section("docs", KEYS["docs"][1])
    section.refuse_unknown(("mode", "domain", "certificateArn"))
    mode = section.choice("mode", "website", ("website", "cloudfront"))
    if mode == "website" and stack not in _WEBSITE_STACKS:
        section.refuse(
            "mode",
            f"cloudfront: a website is public and HTTP only, which is for the stacks {' and '.join(_WEBSITE_STACKS)}",
            section.set_command("mode", "cloudfront"),
            found="website",
        )
    given = [name for name in ("domain", "certificateArn") if name in section.values]
    if not given:
        return DocsSettings(mode=mode, domain=None, certificate_arn=None)
    if mode == "website":
        section.refuse(given[0], "nothing: a website has no certificate", section.remove_command(given[0]))
    return DocsSettings(
        mode=mode,
        domain=section.text("domain", "", r"[a-z0-9-]+(\.[a-z0-9-]+)+", "a host name, with a certificateArn for it"),
        certificate_arn=section.text(
            "certificateArn",
            "",
            r"arn:aws[a-z-]*:acm:us-east-1:[0-9]{12}:certificate/[0-9a-f-]+",
            "the ARN of a certificate in us-east-1, where CloudFront looks for it, with a domain",
        ),
    )

"""What a secret looks like: by the name of a variable, or by the shape of its value.

Every answer is a description; none holds any part of the value.
"""

import base64
import binascii
import itertools
import json
import re
from collections.abc import Iterator, Mapping
from typing import Final, cast

DEEPEST: Final = 4
"""How often a value is looked into: JSON inside base64 inside a variable, and one more."""
LONGEST: Final = 65_536
"""Characters of a value that are looked at."""
LEAST_MIXED: Final = 0.45
"""Changes between the kinds of characters, by character, in a random text: 0.62 is what base 62 has on average, words
of five letters in camel case have 0.4."""
AWS_SECRET_LENGTH: Final = 40
LEAST_MIXED_OF_AWS: Final = 0.4

SHAPES: Final[tuple[tuple[str, re.Pattern[str]], ...]] = (
    ("an AWS access key", re.compile(r"(?<![A-Z0-9])A[KS]IA[A-Z0-9]{16}(?![A-Z0-9])")),
    ("a private key", re.compile(r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY")),
    ("a private key", re.compile(r"AGE-SECRET-KEY-1[A-Z0-9]{20}")),
    ("a signed token (JWT)", re.compile(r"(?<![\w-])eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}")),
    ("an authorization header", re.compile(r"\b(?:basic|bearer)\s+(?=\S*\d)[\w+/=.~-]{20,}", re.IGNORECASE)),
    ("a GitHub token", re.compile(r"(?<!\w)(?:gh[pousr]_\w{36}|github_pat_\w{22})")),
    ("a GitLab token", re.compile(r"(?<!\w)gl(?:pat|ptt|dt|rt)-[\w-]{20}")),
    ("a Slack token", re.compile(r"(?<!\w)xox[abeoprs]-[\w-]{10}")),
    ("a webhook address", re.compile(r"hooks\.slack\.com/(?:services|workflows)/\w+/\w+/\w+")),
    ("a webhook address", re.compile(r"discord(?:app)?\.com/api/webhooks/\d+/[\w-]{20}")),
    ("a Stripe key", re.compile(r"(?<!\w)[rs]k_(?:live|test)_\w{16}")),
    ("a Google API key", re.compile(r"(?<!\w)AIza[\w-]{35}")),
    ("a SendGrid key", re.compile(r"(?<!\w)SG\.[\w-]{16,}\.[\w-]{16,}")),
    ("a key of an AI service", re.compile(r"(?<![\w-])sk-(?:[a-z]+-)?(?=[\w-]*\d)[\w-]{20,}")),
    ("a package registry token", re.compile(r"(?<!\w)(?:npm_\w{36}|pypi-AgE\w{16}|dckr_pat_[\w-]{20})")),
    ("a Hugging Face token", re.compile(r"(?<!\w)hf_[A-Za-z]{30}")),
    ("a Pulumi token", re.compile(r"(?<!\w)pul-[0-9a-f]{40}")),
    ("a Vault token", re.compile(r"(?<!\w)hv[bs]\.[\w-]{20}")),
    ("a storage key", re.compile(r"(?:AccountKey|SharedAccessKey)\s*=\s*[A-Za-z0-9+/]{40}")),
)
"""Values that are secrets whatever they are called, by what they begin with."""

_URL_PASSWORD: Final = re.compile(
    r"[a-z][a-z0-9+.-]{0,30}://[^\s/:@?#]{0,200}:([^\s/@]{1,500})@(?!sha256:)", re.IGNORECASE
)
_PAIR: Final = re.compile(r"(?:^|[\s;&?,])-{0,2}([A-Za-z][\w.-]{0,80})\s?=\s?[\"']?([^\s;&,\"']{1,500})")

_WORD: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_PASSWORDS: Final = ("password", "passwords", "passwd", "passphrase", "passcode", "pwd")
_SECRETS: Final = ("secret", "secrets", "token", "credential", "credentials", "creds", "pass")
_COMPOUNDS: Final = (*_PASSWORDS[:-1], "secret", "token", "apikey", "accesskey", "secretkey", "privatekey")
"""What a single word may end with, as in `dbpassword`."""
_KEYS: Final = re.compile(
    "access|account|api|app|auth|cipher|crypto|deploy|encryption|hmac|jwt|master|private|secret|session|shared|signing|"
    "ssh|storage|subscription|webhook"
)
"""A key after one of these words is a secret, unlike a public, partition, sort or cache key."""
_QUALIFIERS: Final = re.compile(
    r"admin|b64|backup|base|base64|current|default|dev|encoded|live|main|new|old|plain|prod|production|primary|previous|"
    r"root|secondary|stage|staging|test|text|v|value|\d+"
)
"""Words after the noun that don't change what it is: PASSWORD_PROD, SECRET_KEY_BASE, TOKEN_V2."""
_PUBLIC: Final = re.compile(
    r"arn|cert|certificate|checksum|client|commit|digest|etag|fingerprint|hash|id|integrity|md5|public|publishable|"
    r"revision|sha|site|version"
)
"""A random value under a name with one of these words is no secret."""

_SETTING: Final = re.compile(
    "disabled|enabled|false|nil|no|none|null|off|on|optional|required|true|undefined|yes", re.IGNORECASE
)
_REFERENCE: Final = re.compile(
    r"arn:|alias/|Ref::|\{\{|\$\{|\$\(|\$[A-Za-z_]\w*$|%[A-Za-z_]\w*%$|<[^<>]*>$|op://|projects/|"
    r"(?:ssm|secretsmanager|vault|awssm|aws-sm|sm|file|env):",
    re.IGNORECASE,
)
"""Where a secret is, in place of the secret."""
_PLAIN_WORDS: Final = re.compile(r"[a-z]{1,16}(?:[_-][a-z]{1,16}){0,3}")
_ADDRESS: Final = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
_PATH: Final = re.compile(r"\.{0,2}(?:/?[A-Za-z0-9_.@-]+)?(?:/[A-Za-z0-9_.@-]+)+/?")
_MASK: Final = re.compile(r"[*xX.•]+")
_NUMBER: Final = re.compile(r"[+-]?\d+(?:\.\d+)?")
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_RANDOM: Final = re.compile(r"[A-Za-z0-9+/_=-]{32,128}")
_BASE64: Final = re.compile(r"(?:[A-Za-z0-9+/]{4}){4,}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_DIGEST: Final = re.compile(r"sha\d+[-:]")


def secret_in(name: str, value: str, depth: int = 0) -> str | None:
    """What kind of secret a variable holds, as "a private key"; None if it seems to hold none."""
    text = value.strip()[:LONGEST]
    if not text or depth > DEEPEST:
        return None
    for kind, shape in SHAPES:
        if shape.search(text):
            return kind
    if any(not _stands_for_another(match) for match in _URL_PASSWORD.findall(text)):
        return "an address with a password in it"
    noun = secret_noun(name)
    if noun and not _is_harmless(text, noun):
        return f"a value whose name says {noun}"
    return _secret_inside(name, text, depth)


def secret_noun(name: str) -> str | None:
    """The word in a variable's name that says that it is a secret, or None."""
    words = [word.lower() for word in _WORD.findall(name)]
    while len(words) > 1 and _QUALIFIERS.fullmatch(words[-1]):
        words.pop()
    if not words or words == ["pwd"]:
        return None  # PWD is the working directory
    last = words[-1]
    if last in _PASSWORDS or last in _SECRETS:
        return last
    if last in {"key", "keys"}:
        return f"{words[-2]} key" if len(words) > 1 and _KEYS.fullmatch(words[-2]) else None
    return next((noun for noun in _COMPOUNDS if last.endswith(noun)), None)


def _stands_for_another(value: str) -> bool:
    """Whether a value is a placeholder, or says where the secret is."""
    return bool(_REFERENCE.match(value) or _MASK.fullmatch(value))


def _is_harmless(value: str, noun: str) -> bool:
    """Whether a value can't be what the name says."""
    if _SETTING.fullmatch(value) or _stands_for_another(value) or _ADDRESS.fullmatch(value):
        return True
    if noun in _PASSWORDS:
        return value.startswith("/") and _is_path(value)
    if noun.endswith(" key") and (_PLAIN_WORDS.fullmatch(value) or _is_key_id(noun, value)):
        return True
    return bool(_NUMBER.fullmatch(value)) or _is_path(value)


def _is_key_id(noun: str, value: str) -> bool:
    """Whether it is the id of a KMS key."""
    return noun in {"encryption key", "master key"} and bool(_UUID.fullmatch(value))


def _is_path(value: str) -> bool:
    """Whether a value is a path or the name of a parameter, not random text with slashes in it."""
    return bool(_PATH.fullmatch(value)) and not any(_is_mixed(part) for part in value.split("/"))


def _is_mixed(text: str) -> bool:
    return len(text) >= 12 and _changes(text) >= len(text) / 3


def _changes(text: str) -> int:
    """How often the kind of character changes: upper case, lower case, digit, other."""
    kinds = [(char.isupper(), char.islower(), char.isdigit()) for char in text]
    return sum(left != right for left, right in itertools.pairwise(kinds))


def _secret_inside(name: str, text: str, depth: int) -> str | None:
    """A secret within a document, in pairs such as `Password=...`, or behind base64; or a random text."""
    for key, item in _pairs(text):
        if found := secret_in(key, item, depth + 1):
            return found
    decoded = _decoded(text)
    if decoded is not None:
        return secret_in(name, decoded, depth + 1)
    return "a random text, as keys and tokens are" if _is_random(name, text) else None


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    if text[0] in "{[":
        try:
            document: object = json.loads(text)
        except (ValueError, RecursionError):
            document = None
        if document is not None:
            yield from _leaves("", document)
            return
    yield from ((match[1], match[2]) for match in _PAIR.finditer(text))


def _leaves(name: str, value: object, depth: int = 0) -> Iterator[tuple[str, str]]:
    """The texts and numbers of a document, each with its key."""
    if depth > DEEPEST * 4:
        return
    if isinstance(value, Mapping):
        for key, item in cast("Mapping[str, object]", value).items():
            yield from _leaves(key, item, depth + 1)
    elif isinstance(value, list):
        for item in cast("list[object]", value):
            yield from _leaves(name, item, depth + 1)
    elif isinstance(value, (str, int, float)) and not isinstance(value, bool):
        yield name, str(value)


def _decoded(text: str) -> str | None:
    """What base64 stands for, if it is text."""
    compact = "".join(text.split())
    if not _BASE64.fullmatch(compact):
        return None
    try:
        decoded = base64.b64decode(compact, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return decoded if decoded.replace("\n", "").replace("\t", "").isprintable() else None


def _is_random(name: str, text: str) -> bool:
    """Whether a text is as mixed as generated keys are. Hexadecimal digests and names in camel case are not."""
    words = (word.lower() for word in _WORD.findall(name))
    if not _RANDOM.fullmatch(text) or _DIGEST.match(text) or any(_PUBLIC.fullmatch(word) for word in words):
        return False
    longest = max(re.split(r"[/_=-]", text), key=len)
    has_each_kind = all(any(check(char) for char in text) for check in (str.isupper, str.islower, str.isdigit))
    least = LEAST_MIXED if len(text) != AWS_SECRET_LENGTH else LEAST_MIXED_OF_AWS
    return len(longest) >= 12 and has_each_kind and _changes(text) >= len(text) * least

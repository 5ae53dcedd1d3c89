"""Who is calling."""

from collections.abc import Mapping

from problems import Problem


def consumer_of(api_key_id: str | None, consumers: Mapping[str, str]) -> str:
    """The consumer whose key was sent.

    The gateway has checked the key. One that gives no id for it (emulators) can only tell a single consumer.

    Args:
        api_key_id: `requestContext.identity.apiKeyId`.
        consumers: API key id -> consumer.

    Raises:
        Problem: the key is no consumer's.
    """
    if api_key_id is None:
        names = set(consumers.values())
        if len(names) == 1:
            return names.pop()
    elif api_key_id in consumers:
        return consumers[api_key_id]
    raise Problem("unknown-consumer", "This key is valid, but no consumer of this API has it.")

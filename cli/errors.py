"""Errors that the command line prints as one text, without a traceback."""


class CliError(Exception):
    """What went wrong and what to do next, in full sentences."""


class UsageError(CliError):
    """Options that mean nothing, or not together: the command does nothing at all."""

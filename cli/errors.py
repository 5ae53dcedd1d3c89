"""Errors that the command line prints as one text, without a traceback."""


class CliError(Exception):
    """What went wrong and what to do next, in full sentences."""

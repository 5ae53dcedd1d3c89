"""The errors of the offline engine; the command line prints their text and nothing else."""


class EngineError(Exception):
    """Something the person who runs the program can mend; the text says what was found and what to do."""


class ConfigError(EngineError):
    """A project or stack file is missing, unreadable, or holds a value of another type than it declares."""


class ProgramError(EngineError):
    """The program stopped with an error; `__cause__` has the original."""

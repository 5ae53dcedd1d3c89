"""The errors of the sandbox; the command line prints their text and nothing else."""


class SandboxError(Exception):
    """Something the person who runs the sandbox can mend; the text says what was found and what to do."""


class PortTakenError(SandboxError):
    """Another program listens on the sandbox's port."""


class StartFailedError(SandboxError):
    """The server ended, or didn't answer, before it was ready."""


class DeploymentError(SandboxError):
    """A resource that the sandbox can't create as the program asks for it."""

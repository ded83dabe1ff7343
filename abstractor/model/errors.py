"""The errors a user may meet. Each carries one line that names the place and the remedy, and never the text of a note."""


class AbstractorError(Exception):
    """Base of everything Abstractor raises on purpose; the command line prints it as one line and exits with 1."""


class InputError(AbstractorError):
    """A file, row or note that was handed in is at fault."""


class RulebookError(AbstractorError):
    """The rules are at fault; `faults` lists all of them, each with its file and line."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = faults
        count = f"{len(faults)} fault{'s' if len(faults) != 1 else ''}"
        super().__init__(f"the rulebook has {count}:\n" + "\n".join(faults))


class RegistryError(AbstractorError):
    """The registry can't be opened, read or written."""


class StaleCase(RegistryError):
    """Somebody else decided on this patient since it was read; nothing was written."""


class NotAllowed(RegistryError):
    """Who is at work may not do this, or the patient is signed; nothing was written."""


class ProtocolError(AbstractorError):
    """A setting of the study protocol is unknown or out of range."""

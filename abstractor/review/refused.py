"""What a guard of the review says no to."""

from abstractor.model.errors import AbstractorError


class Refused(AbstractorError):
    """A guard does not allow this action on this row; nothing was written."""

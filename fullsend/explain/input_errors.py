"""Define the errors about input files: unusable or unreadable."""

from __future__ import annotations


class UnusableInputError(Exception):
    """A file that cannot be used; the text never quotes the file.

    ``remedy`` names the right input.
    """

    def __init__(self, sentence: str, remedy: str = "") -> None:
        super().__init__(sentence)
        self.remedy = remedy


class UnreadableFileError(UnusableInputError):
    """The file does not exist or may not be read."""

"""Errors of the inputs: a file that cannot be used, or not even read."""

from __future__ import annotations


class UnusableInputError(Exception):
    """A file that cannot be used; the text quotes nothing of the file.

    ``remedy`` is what to give instead.
    """

    def __init__(self, sentence: str, remedy: str = "") -> None:
        super().__init__(sentence)
        self.remedy = remedy


class UnreadableFileError(UnusableInputError):
    """The file does not exist or may not be read."""

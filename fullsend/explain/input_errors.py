"""The ways in which explaining fails: an input that cannot be used, or not even be read."""

from __future__ import annotations


class UnusableInputError(Exception):
    """A file that cannot be used; the text is a sentence that quotes nothing of what the file holds.

    ``remedy`` says what to give instead.
    """

    def __init__(self, sentence: str, remedy: str = "") -> None:
        super().__init__(sentence)
        self.remedy = remedy


class UnreadableFileError(UnusableInputError):
    """There is no such file, or it may not be read: what was given names none."""

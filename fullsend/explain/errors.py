"""The one way explaining fails: an input that cannot be used."""

from __future__ import annotations


class UnusableInputError(Exception):
    """A file that cannot be used; the text is a sentence that quotes nothing of what the file holds.

    ``remedy`` says what to give instead.
    """

    def __init__(self, sentence: str, remedy: str = "") -> None:
        super().__init__(sentence)
        self.remedy = remedy

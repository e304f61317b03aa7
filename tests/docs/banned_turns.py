"""The turns that docs/writing.md advises against, as patterns with few false alarms."""

from __future__ import annotations

import re

BANNED = {
    name: re.compile(pattern, re.IGNORECASE)
    for name, pattern in {
        "whoever": r"\bwho(ever|m ever|soever)\b|\bwhatsoever\b",
        "nobody": r"\bnobody('s)?\b|\bno ?one('s)\b",
        "that is none": r"(?<!there )\b(is|are) (?-i:none)\b",
        "of its own": r"\bnone of (its|his|their|one's) own\b|\bof one's own\b",
        "is no NOUN": r"(?<!there )\b(is|are|was|were) no (?!longer\b|more\b|less\b|different\b)[a-z]+",
        "at hand": r"\bat hand\b",
        "any more": r"\b(any more|anymore)(?! than)\b",
        "be it": r"\bbe it\b",
        "mend": r"(?<!\")\bmend(s|ed|ing)?\b",
        "enrol": r"\benrol(s|ment|ments)?\b",
        "word of": r"\b(word of|by word|own word|own words|say-so)\b",
        "rings": r"\b(alerts?|it) rings?\b|\brings when\b",
        "has to be had": r"\b(cannot|can|could) be had\b",
        "of X alone": r"\bof \w+ alone\b|(?<!left )(?<!it )(?<!them )(?<!stands )\balone(?=[.,:;])",
        "what is no": r"\b(what|that|which) is no\b(?! longer)",
        "it is known": r"\bit is (said|asked|looked at)\b",
        "gone by": r"\bgoes? by(?= what)|\bgo by\b",
        "good for": r"\bgood for\b",
        "anew": r"\banew\b",
        "in vain": r"\bin vain\b",
        "says 5xx": r"\bsays? [45](xx|\d\d)\b",
        "what stands": r"\bwhat stands\b",
        "whatever": r"\bwhatever\b",
        "what X says": r"\bwhat (?!the mint (also|only))[^.,;:!?()]{1,24} (says|said)\b",
        "raises what": r"\braises what\b",
        "has X for Y": r"\bhas for\b",
        "for ever": r"\bfor good\b",
        "the nearest": r"\bcomes? nearest\b",
        "least recently used": r"\bunused (the )?longest\b",
        "a string": r"\b(not|be) a text\b",
        "leaves out": r"\bnothing of\b",
        "British": r"\b(organis|authoris|recognis|behaviour|colour(?!ed_)|licence|initialis|normalis|serialis)\w*",
    }.items()
}


def banned_in(text: str) -> list[str]:
    """Return each banned turn in the text, as the text has it."""
    flat = " ".join(text.split())
    return [f"{name}: {match[0]!r}" for name, pattern in BANNED.items() for match in pattern.finditer(flat)]

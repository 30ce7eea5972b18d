"""Numbers in free text that may be somebody's.

A citizen id with a fitting check digit is refused when the text is written (domain/registry/free_text.py); one
that was mistyped is not recognised there, and is hidden here from every reader: a text is read without purpose
and without a line in the access log.
"""

HIDDEN = "[...]"
"""Stands where the number stood."""

_DIGIT = "[0-9๐-๙]"
_DASH = "[-\u2010-\u2015\u2212]"
# 13 digits, Arabic or Thai, with dashes or without, or in the printed grouping 1-4-5-2-1 with spaces.
_NUMBER = (
    f"(?<!{_DIGIT})(?:{_DIGIT}(?:{_DASH}?{_DIGIT}){{12}}"
    f"|{_DIGIT} {_DIGIT}{{4}} {_DIGIT}{{5}} {_DIGIT}{{2}} {_DIGIT})(?!{_DIGIT})"
)


def free_text(column: str) -> str:
    """The text of a column without such numbers, under the column's own name."""
    name = column.rpartition(".")[2]
    return f"regexp_replace({column}, '{_NUMBER}', '{HIDDEN}', 'g') AS {name}"

"""Numbers in free text that may be somebody's.

A citizen id with a fitting check digit is refused when the text is written (domain/registry/free_text.py); one
that was mistyped is not recognised there, and is hidden here from every reader: a text is read without purpose
and without a line in the access log.
"""

from persistence.bounds import HOLDER

HIDDEN = "[...]"
"""Stands where the number stood."""

_DIGIT = "[0-9๐-๙０-９٠-٩۰-۹]"
_BETWEEN = "[-\u2010-\u2015\u2212 \u00a0._]"
# 13 digits, Arabic, Thai or full-width, with one separator at most between two of them.
_NUMBER = f"(?<!{_DIGIT}){_DIGIT}(?:{_BETWEEN}?{_DIGIT}){{12}}(?!{_DIGIT})"
_OWN = f"(SELECT split_part(current_setting('{HOLDER}', true), '|', 2))"


def of_agency(column: str, agency: str) -> str:
    """A text that is an agency's own identifier: shown to it as it wrote it, to others as free text."""
    name = column.rpartition(".")[2]
    return f"CASE WHEN {agency} = {_OWN} THEN {column} ELSE {hidden(column)} END AS {name}"


def free_text(column: str) -> str:
    """The text of a column without such numbers, under the column's own name."""
    return f"{hidden(column)} AS {column.rpartition('.')[2]}"


def hidden(column: str) -> str:
    """The text of a column, or of an expression, without such numbers."""
    return f"regexp_replace({column}, '{_NUMBER}', '{HIDDEN}', 'g')"

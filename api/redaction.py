"""What may be an identifier of a person, in texts that callers choose: paths and request ids.

Conservative: a record id that happens to look like a citizen id is left out of an error rather than repeated.
"""

import re
import unicodedata
from urllib.parse import unquote

REDACTED = "[redacted]"
MOST_DECODED = 3
"""Times that a segment is percent-decoded: who encodes more often hides something else."""
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_BETWEEN = r"[\s\-\u2010-\u2015\u2212._/,:+()\[\]~]*"
_CITIZEN_ID = re.compile(rf"[0-9](?:{_BETWEEN}[0-9]){{12}}")
# National (02…, 08x…) and international (66…, 0066…) numbers, alone: not inside a longer run of digits.
_PHONE = re.compile(
    rf"(?<![0-9])(?:(?:00{_BETWEEN})?6{_BETWEEN}6|0){_BETWEEN}[2-9](?:{_BETWEEN}[0-9]){{7,8}}(?![0-9])"
)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._\-]{1,64}")


def path(text: str) -> str:
    """A path whose segments that may be a citizen id, a phone or a Thai name are replaced."""
    return "/".join(segment if _harmless(segment) else REDACTED for segment in text.split("/"))


def request_id(given: bytes) -> str | None:
    """A caller's own request id, None where it cannot be taken as it is: it stands in every log line."""
    text = given.decode("latin-1")
    if not _REQUEST_ID.fullmatch(text):
        return None
    return text if _harmless(text) else None


def _harmless(text: str) -> bool:
    # Most segments are words, and of the others most are ids: neither takes a closer look.
    if (text.isascii() and text.isalpha()) or _UUID.fullmatch(text):
        return True
    plain = _plain(text)
    if not plain.isascii():
        return False  # no path or id of ours has such letters
    return not (_CITIZEN_ID.search(plain) or _PHONE.search(plain))


def _plain(text: str) -> str:
    """Decoded, and with every script's digits as ours."""
    for _ in range(MOST_DECODED):
        if "%" not in text:
            break
        text = unquote(text)
    if text.isascii():
        return text
    shown = unicodedata.normalize("NFKC", text)
    return "".join(
        one if (digit := unicodedata.decimal(one, None)) is None else str(digit)
        for one in shown
        if unicodedata.category(one) != "Cf"
    )

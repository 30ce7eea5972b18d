"""Thai text: digits, invisible characters, and the key by which names are found and sorted.

`name_key` approximates the order of the Royal Institute dictionary with plain code points, so that an
index in the "C" collation sorts and prefix-matches names without ICU:

1. NFC, invisible characters out, Thai digits to Arabic, lower case, runs of white space to one space.
2. Two SARA E typed for one SARA AE are joined (เเ → แ).
3. Tone marks, MAITAIKHU, THANTHAKHAT, PHINTHU and YAMAKKAN go: the dictionary compares them last, and
   people leave them out. What is typed with or without them finds the same names.
4. SARA AM has three spellings that NFC keeps apart (น้ำ, น้ํา, นํ้า); with the marks gone each is
   consonant + NIKHAHIT + SARA AA or consonant + SARA AM, and becomes SARA AM.
5. A vowel written before its consonant moves behind it (เลย → ลเย): the dictionary sorts by the consonant.

In the code chart consonants come before vowels and both stand in dictionary order, so comparing keys by
code point is comparing words by the dictionary, up to the marks of step 3. A key is for comparing: it is
not readable, and it is not its own key (apply it once).
"""

import re
import unicodedata

_ARABIC = str.maketrans("๐๑๒๓๔๕๖๗๘๙", "0123456789")
# ZWSP, ZWNJ, ZWJ, the two direction marks, word joiner, soft hyphen, byte order mark.
_INVISIBLE = dict.fromkeys((0x200B, 0x200C, 0x200D, 0x200E, 0x200F, 0x2060, 0x00AD, 0xFEFF))
_HAS_INVISIBLE = re.compile(f"[{''.join(map(chr, _INVISIBLE))}]")
_LEADING = "\u0e40-\u0e44"  # เ แ โ ใ ไ
_CONSONANT = "\u0e01-\u0e2e"
_NIKHAHIT, _SARA_AA, _SARA_AM = "\u0e4d", "\u0e32", "\u0e33"
_MARKS = re.compile("[\u0e3a\u0e47-\u0e4c\u0e4e]")
_BEFORE_CONSONANT = re.compile(f"([{_LEADING}])([{_CONSONANT}])")
_UNFINISHED = re.compile(f"[{_LEADING}{_NIKHAHIT}]+$")


def arabic_digits(text: str) -> str:
    """Thai digits to 0-9; everything else stays."""
    return text.translate(_ARABIC)


def clean(text: str) -> str:
    """NFC without the invisible characters that Thai keyboards and web pages leave in text."""
    if text.isascii():
        return text
    if _HAS_INVISIBLE.search(text):
        text = text.translate(_INVISIBLE)
    # Most text is clean already: to look costs less than to make it anew.
    return text if unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", text)


def name_key(text: str) -> str:
    """The search and sort key of a name; empty for a name of marks alone."""
    return _BEFORE_CONSONANT.sub(r"\2\1", _comparable(text))


def name_prefix(text: str) -> str:
    """The prefix that the keys of all names beginning with `text` share.

    It is the key of `text` without a last letter whose place depends on what follows it: a vowel that
    waits for its consonant, a NIKHAHIT that may become SARA AM.
    """
    return _BEFORE_CONSONANT.sub(r"\2\1", _UNFINISHED.sub("", _comparable(text)))


def _comparable(text: str) -> str:
    plain = " ".join(arabic_digits(clean(text)).lower().split())
    unmarked = _MARKS.sub("", plain.replace("เเ", "แ"))
    return unmarked.replace(_NIKHAHIT + _SARA_AA, _SARA_AM)

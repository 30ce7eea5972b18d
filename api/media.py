"""What a body is written in: its kind, its character set, its coding."""

from collections.abc import Sequence

from api.errors import HttpError

UTF_8 = frozenset({"utf-8", "utf8"})


def check_kind(content_type: str | None, kinds: Sequence[str]) -> None:
    """Raises HttpError 415 unless it is one of `kinds`, in UTF-8."""
    kind, *parameters = (one.strip() for one in (content_type or "").lower().split(";"))
    if kind not in kinds:
        raise HttpError(415, "unsupported-media-type", f"Send {' or '.join(kinds)}.")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip().strip('"') not in UTF_8:
            raise HttpError(415, "unsupported-media-type", f"Send {kind} in UTF-8.")


def check_coding(content_encoding: str | None) -> None:
    """Raises HttpError 415 for a compressed body: what is small may be large when it is opened."""
    codings = (content_encoding or "").lower().split(",")
    if any(one.strip() not in ("", "identity") for one in codings):
        raise HttpError(
            415,
            "unsupported-media-type",
            "Send the body as it is, without a Content-Encoding.",
            headers={"Accept-Encoding": "identity"},
        )

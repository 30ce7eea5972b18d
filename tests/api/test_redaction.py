"""What callers choose and errors and logs would repeat: paths and request ids, without identifiers of persons."""

import json
from urllib.parse import quote

import pytest

from api import redaction
from tests.support import builders
from tests.support.api import Api
from tests.support.calls import everything

THAI = str.maketrans("0123456789", "๐๑๒๓๔๕๖๗๘๙")
WIDE = str.maketrans("0123456789", "".join(chr(0xFF10 + digit) for digit in range(10)))


def spellings(citizen_id: str) -> list[str]:
    """A citizen id as somebody may write it into a path; percent-encoded as often as it takes."""
    one = citizen_id
    dashed = f"{one[0]}-{one[1:5]}-{one[5:10]}-{one[10:12]}-{one[12]}"
    plain = [
        one, dashed, dashed.replace("-", " "), dashed.replace("-", "."), dashed.replace("-", "–"), f"x{one}y", f"id={one}",
        one.translate(THAI), dashed.translate(THAI), one.translate(WIDE), "\u200b".join(one),
    ]  # fmt: skip
    encoded = ["".join(f"%{ord(digit):02X}" for digit in one)]
    return (
        [quote(text, safe="=") for text in plain] + encoded + [text.replace("%", "%25") for text in encoded]
    )


async def test_an_error_repeats_no_identifier_of_its_path(api: Api) -> None:
    citizen_id = builders.citizen_id()
    phones = ["0812345678", "081-234-5678", "+66812345678", "66-81-234-5678", "021234567", "๐๘๑๒๓๔๕๖๗๘"]
    for spelling in spellings(citizen_id) + [quote(phone) for phone in phones]:
        for path in (f"/v1/households/{spelling}", f"/nothing/{spelling}/x", f"/v1/clients/{spelling}"):
            answer = await everything(api, "GET", path)
            assert answer.status_code == 404
            shown = answer.json()["instance"]
            assert shown.count("[redacted]") == 1, (path, shown)
            assert citizen_id not in json.dumps(shown, ensure_ascii=False)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/households/01a1fedd-d5a6-748a-9bd8-47fe5f4cb68a/analyses",
        "/v1/households/12345678-1234-4123-8123-123456789012",
        "/v1/areas/42010101",
        "/v1/agencies/PROV_MOPH-42",
        "/v1/indicators/bmn-38-27",
        "/v1/campaigns/2569",
        "/v1/assistance-events/by-external-id/HO-2026-000123",
        "/v1/menus/INC-01",
    ],
)
def test_an_ordinary_path_stands_as_it_is(path: str) -> None:
    assert redaction.path(path) == path


@pytest.mark.parametrize("segment", ["ใจดี", "ที่ไหน", "%E0%B9%83%E0%B8%88", "Zoë"])
def test_a_name_is_not_repeated(segment: str) -> None:
    """No path or id of ours has letters beyond ASCII; a surname would."""
    assert redaction.path(f"/v1/nothing/{segment}") == "/v1/nothing/[redacted]"


@pytest.mark.parametrize(
    "given",
    [
        "abc-1.2_Z",
        "req-20261121",
        "0a6d1f52-3f0b-4c8e-9b7a-5d2c1e8f7a90",
        "4bf92f3577b34da6a3ce929d0e0e4736",
        "7",
    ],
)
def test_a_request_id_is_kept(given: str) -> None:
    assert redaction.request_id(given.encode()) == given


@pytest.mark.parametrize(
    "given",
    [
        "1101700203451", "1-1017-00203-45-1", "1.1017.00203.45.1", "1_1017_00203_45_1", "a1101700203451b",
        "1-1-0-1-7-0-0-2-0-3-4-5-1", "0812345678", "081-234-5678", "66812345678", "x" * 65, "", "a b", "a/b", "ก",
        "๑๑๐๑๗๐๐๒๐๓๔๕๑", "a\n",
    ],
)  # fmt: skip
def test_a_request_id_that_may_be_somebody_s_is_not(given: str) -> None:
    assert redaction.request_id(given.encode()) is None


async def test_another_id_is_given_in_its_place(api: Api) -> None:
    answer = await api.get("team", "/v1/areas", headers={"X-Request-Id": "1-1017-00203-45-1"})
    assert len(answer.headers["x-request-id"]) == 36

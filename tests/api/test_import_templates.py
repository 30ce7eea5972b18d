"""The templates of import files: what is filled in below them is understood."""

import csv
import io

import pytest

from domain.exchange.reading.columns import template_of
from domain.exchange.reading.kinds import ImportFormat, ImportKind
from persistence.exchange.reading import inspect
from tests.support.api import Api


@pytest.mark.parametrize("kind", list(ImportKind))
async def test_a_template_opens_as_utf_8_and_is_read_back(api: Api, kind: ImportKind) -> None:
    answer = await api.call("frontend", "GET", f"/v1/imports/templates/{kind}.csv")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"] == f'attachment; filename="{kind}.csv"'
    assert answer.content.startswith(b"\xef\xbb\xbf")
    (header,) = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert tuple(header) == template_of(kind)
    filled = answer.content + ",".join(["x"] * len(header)).encode() + b"\r\n"
    assert inspect(io.BytesIO(filled), kind=kind, format=ImportFormat.CSV).rows == 1  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["households", "thaiqm.csv", "THAIQM"])
async def test_there_is_no_template_of_another_kind(api: Api, kind: str) -> None:
    answer = await api.call("frontend", "GET", f"/v1/imports/templates/{kind}.csv")
    assert answer.status_code == 404

"""The layouts of other systems: each is understood, says where it is known from, and is recognised by its header."""

import io
from datetime import date

import pytest

from domain.exchange.reading.columns import required_of
from domain.exchange.reading.kinds import ImportFormat, ImportKind
from domain.exchange.reading.layout import label
from domain.exchange.reading.rows import CleanRow, UnreadableFile
from domain.registry.household import Relationship
from persistence.exchange.reading import chunks, inspect, mapping_names, mappings

ID = "1234567890121"
EXAMPLES = {
    "thaiqm": (ImportKind.THAIQM, {
        "REC_ID": "1", "PID": ID, "HOUSE_ID": "42011234567", "PROVINCE_CODE": "42", "DISTRICT_CODE": "1",
        "SUBDISTRICT_CODE": "1", "VILLAGE_CODE": "3", "TITLE": "น.ส.", "FNAME": "สมศรี", "RELATION": "1", "SEX": "2",
        "ANYTHING": "x",
    }),
    "tpmap": (ImportKind.TPMAP_TARGET, {
        "NID": ID, "HOUSE_ID": "42011234567", "AREA_CODE": "42010103", "NAME": "สมศรี", "RELATION": "หัวหน้าครัวเรือน",
        "BUDGET_YEAR": "2569", "KPI29": "1", "KPI1": "0", "KPI2": "9",
    }),
    "bmn": (ImportKind.BMN, {
        "ลำดับ": "1", "เลขประจำตัวประชาชน": ID, "รหัสบ้าน": "42011234567", "รหัสพื้นที่": "42010103", "ชื่อ": "สมศรี",
        "ความสัมพันธ์": "หัวหน้าครัวเรือน", "ปีสำรวจ": "2569", "ตัวชี้วัดที่ 1": "1", "ตัวชี้วัดที่ 2": "9", "ตัวชี้วัดที่ 29": "0",
    }),
    "thai": (ImportKind.WELFARE_CARD, {
        "ลำดับ": "1", "เลขประจำตัวประชาชน": ID, "รหัสประจำบ้าน": "42011234567", "รหัสจังหวัด": "42", "รหัสอำเภอ": "01",
        "รหัสตำบล": "01", "รหัสหมู่บ้าน": "03", "ชื่อ": "สมศรี", "ความสัมพันธ์": "หัวหน้าครัวเรือน", "บัตรสวัสดิการแห่งรัฐ": "มี",
    }),
}  # fmt: skip


def read(
    kind: ImportKind, cells: dict[str, str], mapping: str | None = None, before: str = ""
) -> list[CleanRow]:
    text = before + "\t".join(cells) + "\n" + "\t".join(cells.values()) + "\n"
    file = io.BytesIO(text.encode())
    found = chunks(file, kind=kind, format=ImportFormat.CSV, today=date(2026, 11, 21), mapping=mapping)  # type: ignore[arg-type]
    return [row for rows in found for row in rows]


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_a_layout_is_recognised_by_its_header_and_read(name: str) -> None:
    kind, cells = EXAMPLES[name]
    text = "\t".join(cells) + "\n" + "\t".join(cells.values()) + "\n"
    assert inspect(io.BytesIO(text.encode()), kind=kind, format=ImportFormat.CSV).mapping == name  # type: ignore[arg-type]
    (row,) = read(kind, cells)
    assert row.faults == ()
    assert row.household is not None
    assert row.person is not None
    assert (row.citizen_id, row.household.area_code, row.household.house_code) == (
        ID,
        "42010103",
        "42011234567",
    )
    assert (row.person.first_name, row.person.relationship) == ("สมศรี", Relationship.HEAD)
    if kind in (ImportKind.TPMAP_TARGET, ImportKind.BMN):
        assert {one: result.value for one, result in row.results} == {
            "bmn-38-29": "fail", "bmn-38-1": "pass", "bmn-38-2": "not_applicable",
        }  # fmt: skip


def test_an_assistance_sheet_in_thai() -> None:
    cells = {
        "เลขที่รายการ": "HO-1", "รหัสประจำบ้าน": "42011234567", "มิติ": "ด้านรายได้", "ประเภทการช่วยเหลือ": "ฝึกอบรม",
        "วันที่ช่วยเหลือ": "1 ก.พ. 2569", "มูลค่า (บาท)": "1,500",
    }  # fmt: skip
    (row,) = read(ImportKind.ASSISTANCE, cells)
    assert (row.faults, row.record_id) == ((), "HO-1")


def test_titles_above_the_header_do_not_matter_where_it_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "\n".join((
        'source = "assumed"', 'kinds = ["thaiqm"]', 'recognised_by = ["เลขบัตร"]', "header_row = 3", "[columns]",
        '"เลขบัตร" = "citizen_id"', '"ชื่อ" = "first_name"', '"พื้นที่" = "area_code"',
    ))  # fmt: skip
    layout = mappings.parsed("titled", text)
    monkeypatch.setattr(mappings, "layouts", lambda: {"titled": layout})
    (row,) = read(ImportKind.THAIQM, {"เลขบัตร": ID, "ชื่อ": "ก", "พื้นที่": "420101"}, before="รายชื่อ\tx\n\n")
    assert (row.number, row.faults) == (4, ())


def test_every_layout_says_its_source_and_reaches_what_is_needed() -> None:
    assert set(mappings.layouts()) == {*EXAMPLES, "thai_assistance"}
    for layout in mappings.layouts().values():
        reached = {*layout.columns.values(), *layout.joined, *layout.defaults}
        assert layout.recognised_by <= {*layout.columns}
        for kind in layout.kinds:
            assert all(set(group) & reached for group in required_of(kind)) or layout.name == "thai"


def test_a_mapping_is_one_of_its_kind() -> None:
    assert mapping_names(ImportKind.THAIQM) == ("thai", "thaiqm")
    with pytest.raises(UnreadableFile) as raised:
        read(ImportKind.THAIQM, EXAMPLES["tpmap"][1], mapping="tpmap")
    assert raised.value.code == "unknown-mapping"


@pytest.mark.parametrize(
    "text",
    [
        'source = ""\nkinds = ["thaiqm"]\n[columns]\n',
        'source = "x"\nkinds = ["thaiqm"]\n[columns]\n"a" = "shoe_size"\n',
        'source = "x"\nkinds = ["nothing"]\n[columns]\n',
        'source = "x"\nkinds = ["thaiqm"]\nmore = 1\n[columns]\n',
        'source = "x"\nkinds = ["thaiqm"]\n[columns]\n[joined.area_code]\ncolumns = ["a"]\nwidths = [2, 2]\n',
        'source = "x"\nkinds = ["assistance"]\n[columns]\n"a" = "sex"\n',
    ],
)
def test_a_mapping_that_is_not_as_described_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        mappings.parsed("x", text)


def test_labels_are_compared_as_people_write_them() -> None:
    assert label(" *First   NAME\ufeff ") == "first name"

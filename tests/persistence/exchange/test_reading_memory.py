"""Reading is flat in memory: ten times the rows take no more of it."""

import subprocess
import sys

import pytest

PROGRAM = """
import io, re, sys
from datetime import date
from domain.exchange.reading.kinds import ImportFormat, ImportKind
from domain.registry.citizen_id import check_digit
from persistence.exchange.reading import chunks, inspect

COLUMNS = "record_id,citizen_id,area_code,house_code,first_name,last_name,birth_date,annual_income,phone"

def row(number):
    first = f"9{number:011d}"
    names = f"สม{number % 1000:x}ศรี,ใจดี"
    day = f"{number % 28 + 1}/{number % 12 + 1}/{2480 + number % 80}"
    return f"R{number},{first}{check_digit(first)},420101,4201{number:07d},{names},{day},{number}.50,08{number:08d}"

def csv(rows):
    yield (COLUMNS + "\\r\\n").encode()
    for number in range(rows):
        yield (row(number) + "\\r\\n").encode()

def ndjson(rows):
    import json
    for number in range(rows):
        pairs = zip(COLUMNS.split(","), row(number).split(","))
        yield (json.dumps(dict(pairs), ensure_ascii=False) + "\\n").encode()

class Stream(io.RawIOBase):
    def __init__(self, parts):
        self.parts, self.pending = parts, b""
    def readable(self):
        return True
    def readinto(self, buffer):
        while len(self.pending) < len(buffer) and (part := next(self.parts, b"")):
            self.pending += part
        count = min(len(buffer), len(self.pending), 65536)
        buffer[:count], self.pending = self.pending[:count], self.pending[count:]
        return count

def xlsx(rows):
    import tempfile, zipfile
    out = tempfile.TemporaryFile()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("xl/workbook.xml", '<workbook xmlns:r="r"><sheets><sheet name="a" r:id="a"/></sheets></workbook>')
        made.writestr("xl/_rels/workbook.xml.rels", '<Relationships><Relationship Id="a" Target="worksheets/a.xml"/></Relationships>')
        with made.open("xl/worksheets/a.xml", "w") as sheet:
            sheet.write(b"<worksheet><sheetData>")
            for cells in (COLUMNS, *map(row, range(rows))):
                cells = "".join(f'<c t="inlineStr"><is><t>{one}</t></is></c>' for one in cells.split(","))
                sheet.write(f"<row>{cells}</row>".encode())
            sheet.write(b"</sheetData></worksheet>")
    out.seek(0)
    return out

format, rows = sys.argv[1], int(sys.argv[2])
def opened():
    made = {"csv": csv, "ndjson": ndjson, "xlsx": xlsx}[format](rows)
    return made if format == "xlsx" else Stream(made)
kind = ImportKind.THAIQM
read = faulty = 0
for found in chunks(opened(), kind=kind, format=ImportFormat(format), today=date(2026, 11, 21)):
    read += len(found)
    faulty += sum(bool(one.faults) for one in found)
# Of this process alone: what getrusage tells begins with the peak of the one that started it.
print(read, faulty, int(re.search(r"VmHWM:\\s+([0-9]+)", open("/proc/self/status").read())[1]) // 1024)
"""


def measured(format: str, rows: int) -> int:
    """Peak megabytes of a process that reads so many rows."""
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, format, str(rows)], capture_output=True, text=True, check=True
    )
    read, faulty, peak = map(int, ran.stdout.split())
    assert (read, faulty) == (rows, 0)
    return peak


@pytest.mark.parametrize(("format", "rows"), [("csv", 200_000), ("ndjson", 100_000), ("xlsx", 50_000)])
def test_memory_is_flat_whatever_the_number_of_rows(format: str, rows: int) -> None:
    few, many = measured(format, rows // 10), measured(format, rows)
    # The packed spreadsheet itself is kept: a few megabytes here.
    assert many < few + 25
    assert many < 200

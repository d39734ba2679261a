"""Writes .xlsx workbooks as spreadsheet programs save them."""

import datetime
import io
import zipfile
from xml.sax.saxutils import escape, quoteattr

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
# The cells' styles by their position: plain, date, date with a time, time, hours beyond a day, percent.
NUMBER_FORMATS = (0, 14, 22, 21, 46, 9)
EPOCH = datetime.datetime(1899, 12, 30)
DAY = datetime.timedelta(days=1)


class Cell(str):
    """The XML of a cell in which {} stands for its place."""


def write_workbook(*sheets, names=(), states=(), merged=(), date_1904=False, shared=()):
    """A workbook with these sheets, each a list of rows; a cell that is None is not written."""
    named = [*names, *(f"Sheet{number}" for number in range(len(names) + 1, len(sheets) + 1))]
    shown = [*states, *("visible" for _ in range(len(sheets) - len(states)))]
    listed = "".join(
        f'<sheet name={quoteattr(name)} sheetId="{i}" state="{state}" r:id="rId{i}"/>'
        for i, (name, state) in enumerate(zip(named, shown, strict=True), start=1)
    )
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"/>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><workbookPr date1904="{int(date_1904)}"/>'
        f"<sheets>{listed}</sheets></workbook>",
        "_rels/.rels": _write_relationships({"rId1": ("officeDocument", "xl/workbook.xml")}),
        "xl/_rels/workbook.xml.rels": _write_relationships(
            {f"rId{number}": ("worksheet", f"worksheets/sheet{number}.xml") for number in range(1, len(sheets) + 1)}
            | {"rStyles": ("styles", "styles.xml"), "rTexts": ("sharedStrings", "sharedStrings.xml")}
        ),
        "xl/styles.xml": f'<styleSheet xmlns="{MAIN}"><cellXfs>'
        + "".join(f'<xf numFmtId="{each}"/>' for each in NUMBER_FORMATS)
        + "</cellXfs></styleSheet>",
        "xl/sharedStrings.xml": f'<sst xmlns="{MAIN}">'
        + "".join(f"<si><t>{escape(text)}</t></si>" for text in shared)
        + "</sst>",
    }
    for number, rows in enumerate(sheets, start=1):
        parts[f"xl/worksheets/sheet{number}.xml"] = _write_sheet(rows, merged)
    return pack_parts(parts)


def pack_parts(parts):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return packed.getvalue()


def unpack_parts(workbook):
    with zipfile.ZipFile(io.BytesIO(workbook)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _write_relationships(found):
    listed = "".join(
        f'<Relationship Id="{id}" Type="{OFFICE}/{kind}" Target="{target}"/>' for id, (kind, target) in found.items()
    )
    return f'<Relationships xmlns="{PACKAGE}/relationships">{listed}</Relationships>'


def _write_sheet(rows, merged):
    written = ""
    for number, row in enumerate(rows, start=1):
        cells = (_write_cell(name_place(column, number), value) for column, value in enumerate(row))
        written += f'<row r="{number}">{"".join(cells)}</row>'
    joined = "".join(f'<mergeCell ref="{each}"/>' for each in merged)
    more = f"<mergeCells>{joined}</mergeCells>" if joined else ""
    return f'<worksheet xmlns="{MAIN}"><sheetData>{written}</sheetData>{more}</worksheet>'


def name_place(column, row):
    letters = ""
    column += 1
    while column:
        column, letter = divmod(column - 1, 26)
        letters = chr(65 + letter) + letters
    return f"{letters}{row}"


def _write_cell(place, value):
    match value:
        case None:
            return ""
        case Cell():
            return value.format(place)
        case bool():
            return f'<c r="{place}" t="b"><v>{int(value)}</v></c>'
        case str():
            return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'
        case datetime.datetime():
            return f'<c r="{place}" s="2"><v>{(value - EPOCH) / DAY!r}</v></c>'
        case datetime.date():
            return f'<c r="{place}" s="1"><v>{value.toordinal() - EPOCH.toordinal()}</v></c>'
        case datetime.time():
            since = datetime.datetime.combine(EPOCH, value) - EPOCH
            return f'<c r="{place}" s="3"><v>{since / DAY!r}</v></c>'
        case datetime.timedelta():
            return f'<c r="{place}" s="4"><v>{value / DAY!r}</v></c>'
        case _:
            return f'<c r="{place}"><v>{value!r}</v></c>'


def declare_size(content, size):
    """Let an archive's directory say that each of its parts has this size."""
    changed, place = bytearray(content), content.find(b"PK\x01\x02")
    while place >= 0:
        changed[place + 24 : place + 28] = size.to_bytes(4, "little")
        place = content.find(b"PK\x01\x02", place + 1)
    return bytes(changed)

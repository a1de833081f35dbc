"""Tables as spreadsheets save them: encodings, separators, workbooks, and files that are none."""

from datetime import date

import openpyxl
import pytest

from pipespec.errors import UsageError
from pipespec.project.table_files import read_table

TEXT = '担当,memo\r\ntag,tag\r\n山田,"a ""b"", c\r\nd"\r\n'
ROWS = (("担当", "memo"), ("tag", "tag"), ("山田", 'a "b", c\r\nd'))


@pytest.mark.parametrize(
    ("codec", "told"),
    [
        ("utf-8", "CSV in UTF-8"),
        ("utf-8-sig", "CSV in UTF-8"),
        ("utf-16", "CSV in UTF-16"),
        ("cp932", "CSV in CP932"),
    ],
)
def test_the_encoding_of_a_csv_file_is_found_out(tmp_path, codec, told):
    path = tmp_path / "old.csv"
    path.write_bytes(TEXT.encode(codec))

    found = read_table(path)

    assert (found.rows, found.made_as) == (ROWS, told)


def test_an_encoding_can_be_stated(tmp_path):
    path = tmp_path / "old.csv"
    path.write_bytes("é\nà\n".encode("latin-1"))

    assert read_table(path, encoding="latin-1").rows == (("é",), ("à",))


@pytest.mark.parametrize(
    ("mark", "told"),
    [(";", "CSV in UTF-8 separated by semicolons"), ("\t", "CSV in UTF-8 separated by tabs")],
)
def test_what_separates_the_cells_is_found_out(tmp_path, mark, told):
    path = tmp_path / "old.csv"
    path.write_text(f"a, b{mark}c\ntag{mark}tag\n")

    found = read_table(path)

    assert (found.rows, found.made_as) == ((("a, b", "c"), ("tag", "tag")), told)


def workbook(path, *, sheets=("Sheet",)):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name in sheets:
        sheet = book.create_sheet(name)
        sheet.append(["when", "n", "rate", "group", None, "sum"])
        sheet.append(["date", "parameter", "metric", "tag", "tag", "metric"])
        sheet.append([date(2020, 5, 3), 1024, 0.843, "a", True, "=B3+1"])
        sheet["C3"].number_format = "0.0%"
        sheet["B3"].number_format = "#,##0"
        sheet.merge_cells("D1:E1")
    book.save(path)


def test_a_workbook_is_read_as_its_cells_mean(tmp_path):
    path = tmp_path / "old.xlsx"
    workbook(path)

    found = read_table(path)

    assert found.rows == (
        ("when", "n", "rate", "group", "", "sum"),
        ("date", "parameter", "metric", "tag", "tag", "metric"),
        ("2020-05-03", "1024", "0.843", "a", "TRUE", ""),
    )
    assert (found.made_as, found.merged, found.uncalculated) == (
        "Excel, sheet 'Sheet'",
        {(0, 4): "D1"},
        {(2, 5)},
    )


def test_one_of_several_sheets_is_chosen(tmp_path):
    path = tmp_path / "old.xlsx"
    workbook(path, sheets=("2020", "2021"))

    with pytest.raises(UsageError, match="has several sheets: '2020', '2021'; choose one with --sheet"):
        read_table(path)
    with pytest.raises(UsageError, match="has no sheet '2022'; it has '2020', '2021'"):
        read_table(path, sheet="2022")
    assert read_table(path, sheet="2021").made_as == "Excel, sheet '2021'"


def test_what_only_claims_to_be_a_workbook_is_not_asked_for_its_encoding(tmp_path):
    path = tmp_path / "old.XLSX"
    path.write_bytes(b"\xff\xff")

    with pytest.raises(UsageError) as refused:
        read_table(path)
    assert (
        str(refused.value)
        == f"'{path}' is not an Excel file, whatever its name says; save it as .xlsx or CSV"
    )


@pytest.mark.parametrize(
    ("content", "options", "expected"),
    [
        (
            b"\xff\xfe\x00",
            {},
            "'{}' begins like UTF-16 but is not: line 1 has a byte 0x00 that cannot stand there",
        ),
        (
            b"\xff\xff",
            {},
            "'{}' is neither UTF-8 nor CP932; set its encoding, for example --encoding latin-1",
        ),
        (
            b"a\n\xe9\n",
            {"encoding": "utf-8"},
            "'{}' is not in the encoding 'utf-8': line 2 has a byte 0xe9 that cannot stand there",
        ),
        (
            b"a\n",
            {"encoding": "klingon"},
            "there is no encoding 'klingon'; write for example cp932, utf-8 or latin-1",
        ),
        (
            b'a\n"b\n',
            {},
            (
                "'{}', line 2: unexpected end of data; a quote that is opened must be closed, and a quote inside a cell"
                " is written twice"
            ),
        ),
        (b"a\n", {"sheet": "x"}, "'{}' is not an Excel file, so it has no sheets; leave --sheet out"),
        (
            b"\xd0\xcf\x11\xe0",
            {},
            "'{}' is an old Excel file (.xls), or one with a password; save it as .xlsx or as CSV UTF-8",
        ),
        (
            b"PK\x03\x04",
            {"encoding": "utf-8"},
            "'{}' is an Excel file, which has no encoding; leave --encoding out",
        ),
        (
            b"PK\x03\x04",
            {},
            "'{}' is not an .xlsx file that can be read (File is not a zip file); save it as .xlsx or CSV",
        ),
    ],
)
def test_what_is_no_table_is_refused_with_a_way_out(tmp_path, content, options, expected):
    path = tmp_path / "old.csv"
    path.write_bytes(content)

    with pytest.raises(UsageError) as refused:
        read_table(path, **options)
    assert str(refused.value) == expected.format(path)


def test_a_table_that_is_not_there_or_a_folder_is_refused(tmp_path):
    for name, why in (("gone.csv", "does not exist"), ("", "is not a file")):
        path = tmp_path / name
        with pytest.raises(UsageError) as refused:
            read_table(path)
        assert str(refused.value) == f"the table '{path}' {why}"

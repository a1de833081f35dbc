"""How files begin, as a report shows them: bounded, without secrets, whatever stands in them."""

import json

import pyarrow as pa
import pytest
from pyarrow import feather, parquet

from pipespec.operations.reporting.file_head import beginning_of, last_lines
from pipespec.step.secrets import Redactor
from pipespec.views.report.report_parts import PicturePreview, Table, TextPreview

NOTHING = Redactor({})
SECRET = Redactor({"TOKEN": "hunter2hunter2"})


@pytest.fixture
def show(tmp_path):
    def one(name, content, redact=NOTHING):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return beginning_of(path, path.suffix, redact)

    return one


def test_a_text_table_shows_its_first_rows(show):
    rows = "".join(f'{number},"a, b"\n' for number in range(20))

    shown = show("t.csv", f"id,name\n{rows}")

    assert shown == Table(("id", "name"), tuple((str(n), "a, b") for n in range(8)), "12 more rows")
    assert show("t.tsv", "a\tb\n1\t2\n") == Table(("a", "b"), (("1", "2"),))
    assert show("t.csv", "a,b\n") == Table(("a", "b"), ())
    assert show("t.csv", "") is None


def test_of_a_long_text_table_the_torn_line_is_left_out(show):
    shown = show("t.csv", "id\n" + "".join(f"{'x' * 30_000}{number}\n" for number in range(9)))

    assert [len(row[0]) for row in shown.rows] == [60, 60]
    assert shown.more == "more rows"


def test_a_wide_table_shows_its_first_columns(show):
    shown = show("t.csv", ",".join(f"c{n}" for n in range(30)) + "\n" + ",".join(map(str, range(30))) + "\n")

    assert len(shown.columns) == len(shown.rows[0]) == 12
    assert shown.more == "18 more columns"


def test_lines_of_json_are_a_table(show):
    assert show("t.jsonl", '{"a": 1, "b": "x"}\n{"a": [1, 2], "c": null}\n') == Table(
        ("a", "b", "c"), (("1", "x", ""), ("[1, 2]", "", "null"))
    )


@pytest.mark.parametrize("suffix", [".parquet", ".feather"])
def test_a_file_of_columns_shows_its_first_rows(tmp_path, suffix):
    table = pa.table(
        {"id": list(range(20)), "text": ["日本"] * 20} | {f"c{n}": [0.5] * 20 for n in range(15)}
    )
    path = tmp_path / f"t{suffix}"
    write = {".parquet": parquet.write_table, ".feather": feather.write_feather}[suffix]
    write(table, path)

    shown = beginning_of(path, suffix, NOTHING)

    assert shown.columns[:3] == ("id", "text", "c0")
    assert shown.rows[7][:3] == ("7", "日本", "0.5")
    assert (len(shown.rows), len(shown.columns)) == (8, 12)
    assert shown.more == (
        "12 more rows, 5 more columns" if suffix == ".parquet" else "more rows, 5 more columns"
    )


def test_an_empty_file_of_columns_has_a_head(tmp_path):
    parquet.write_table(pa.table({"a": pa.array([], pa.int64())}), tmp_path / "t.parquet")
    feather.write_feather(pa.table({"a": pa.array([], pa.int64())}), tmp_path / "t.feather")

    for suffix in (".parquet", ".feather"):
        shown = beginning_of(tmp_path / f"t{suffix}", suffix, NOTHING)
        assert (shown.columns, shown.rows) == (("a",), ())


def test_json_is_set_out_in_lines(show):
    assert show("m.json", '{"a":[1],"b":"日本"}') == TextPreview('{\n  "a": [\n    1\n  ],\n  "b": "日本"\n}')
    shown = show("m.json", json.dumps(list(range(100))))
    assert shown.text.count("\n") == 23
    assert shown.more == "78 more lines"


def test_a_long_text_shows_its_first_lines(show):
    shown = show("t.txt", "x" * 70_000)

    assert shown == TextPreview("x" * 299 + "…", "more lines")


def test_a_picture_is_shown_as_it_is(show):
    assert show("p.png", b"\x89PNG\0") == PicturePreview("image/png", b"\x89PNG\0")
    assert show("p.svg", "<svg/>") == PicturePreview("image/svg+xml", b"<svg/>")


def test_other_files_have_no_beginning(show):
    assert show("m.joblib", b"\x80\x04") is None


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl", "t.txt", "t.json"])
def test_no_secret_is_shown(show, name):
    texts = {
        "t.csv": "a\nhunter2hunter2\n",
        "t.jsonl": '{"a": "hunter2hunter2"}\n',
        "t.json": '["hunter2hunter2"]',
    }

    shown = show(name, texts.get(name, "hunter2hunter2"), SECRET)

    assert "hunter2" not in repr(shown)
    assert "${secret:TOKEN}" in repr(shown)


def test_no_secret_is_shown_of_columns_or_pictures(tmp_path, show):
    parquet.write_table(pa.table({"hunter2hunter2": ["x" * 50 + "hunter2hunter2"]}), tmp_path / "t.parquet")

    shown = beginning_of(tmp_path / "t.parquet", ".parquet", SECRET)

    assert "hunter2" not in repr(shown)
    assert show("p.svg", "<svg>hunter2hunter2</svg>", SECRET) is None


@pytest.mark.parametrize("before", range(65_500, 65_560, 3))
def test_no_secret_is_shown_where_the_end_tears_it(show, before):
    shown = show("t.csv", "a\n" + "\n" * (before - 2) + "hunter2hunter2" * 20, SECRET)

    assert "hunter2" not in repr(shown)


@pytest.mark.parametrize("name", ["t.parquet", "t.feather", "t.jsonl", "t.json"])
def test_what_is_none_of_its_formats_files_is_refused(show, name):
    with pytest.raises(Exception, match=r"."):
        show(name, "no such thing")


def test_a_log_shows_its_last_lines(tmp_path):
    log = tmp_path / "log"
    log.write_text("".join(f"line {number}\n" for number in range(50)) + "hunter2hunter2\n")

    assert last_lines(log, 2, SECRET) == "... 49 more lines before\nline 49\n${secret:TOKEN}"
    assert last_lines(tmp_path / "none", 2, SECRET) == ""

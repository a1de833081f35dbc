"""Queries as steps, on a real SQLite database."""

import sqlite3

import pandas as pd
import pytest


@pytest.fixture
def database(tmp_path):
    place = tmp_path / "houses.db"
    with sqlite3.connect(place) as connection:
        connection.execute("create table houses (area integer, city text)")
        connection.executemany("insert into houses values (?, ?)", [(50, "Ulm"), (80, "Bonn"), (65, None)])
    connection.close()
    return place


@pytest.fixture
def sql(run_step, tmp_path, database):
    def run(text, *, outputs=(("rows", "rows.csv"),), name="query.sql", **params):
        place = tmp_path / "project" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        params = {"query": name, "url": f"sqlite:///{database}", **params}
        return run_step("", call="pipespec.steps:sql", params=params, outputs=outputs)

    return run


def test_the_rows_of_a_query_are_saved_as_its_output_says(sql):
    query = "-- a comment: with a colon\nselect area, city from houses where area >= :least and city <> :city order by area;\n"

    done = sql(query, least=60, city="x' or 1=1 --", outputs=(("rows", "rows.parquet"),))

    assert done.failure is None
    assert pd.read_parquet(done.output("rows.parquet")).to_dict("list") == {"area": [80], "city": ["Bonn"]}
    csv = sql("select * from houses order by area")
    assert csv.output("rows.csv").read_text() == "area,city\n50,Ulm\n65,\n80,Bonn\n"


def test_a_table_is_made_again_and_told_by_rows_and_digest(sql, database):
    query = "select area * :factor as size, city from houses where area > :least order by area"
    first = sql(query, factor=2, least=60, table="large", outputs=(("large", "large.json"),))
    other_order = sql(f"{query} desc", factor=2, least=60, table="large", outputs=(("large", "large.json"),))
    other = sql(query, factor=3, least=60, table="large", outputs=(("large", "large.json"),))

    said = first.json("large.json")
    assert (said["table"], said["rows"], len(said["sha256"])) == ("large", 2, 64)
    assert other_order.json("large.json") == said
    assert other.json("large.json")["sha256"] != said["sha256"]
    with sqlite3.connect(database) as connection:
        assert connection.execute("select * from large order by size").fetchall() == [
            (195, None),
            (240, "Bonn"),
        ]
    connection.close()


def test_a_table_that_cannot_be_made_leaves_the_old_one(sql, database):
    sql("select area from houses", table="kept", outputs=(("kept", "kept.json"),))

    done = sql("select no_column from houses", table="kept", outputs=(("kept", "kept.json"),))

    assert done.failure == ("raised", "query.sql: no such column: no_column")
    with sqlite3.connect(database) as connection:
        assert connection.execute("select count(*) from kept").fetchall() == [(3,)]
    connection.close()


@pytest.mark.parametrize(
    ("query", "params", "failure"),
    [
        ("select * from nowhere", {}, ("raised", "query.sql: no such table: nowhere")),
        ("select :least", {}, ("binding", "'query.sql' names 'least', which is no param of the step; if ':least' is not a name, write \\:least")),
        ("select 1; select 2", {}, ("raised", "query.sql: You can only execute one statement at a time; write each into a file of its own")),
        ("-- select 1;\n/* nothing */ ;", {}, ("raised", "'query.sql' contains no statement")),
        ("select :m", {"m": {"a": 1}}, ("binding", "the param 'm' is a mapping, and a query takes single values and lists")),
        ("select 1", {"url": "sqlite:///none/gone.db"}, ("inputs", "there is no database 'none/gone.db'")),
        ("select 1", {"x": 1}, ("binding", "'query.sql' does not name the param 'x'; write it as :x")),
        ("select 1 as a", {"table": "a b"}, ("binding", "'a b' is no name of a table")),
        ("delete from houses", {}, ("raised", "the query returns no rows; with 'table', it needs to be a SELECT as well")),
        ("select 1", {"query": "gone.sql"}, ("import", "there is no file 'gone.sql'")),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_named(sql, query, params, failure):
    assert sql(query, **params).failure == failure


def test_a_query_takes_a_list(sql):
    query = "select city from houses where area in :areas or city in :cities order by city"

    done = sql(query, areas=[50, 65], cities=["Bonn", "x'"])

    assert (done.failure, done.output("rows.csv").read_text()) == (None, 'city\n""\nBonn\nUlm\n')
    table = sql(f"{query} desc", areas=[], cities=["Ulm"], table="few", outputs=(("rows", "rows.json"),))
    assert (table.failure, table.json("rows.json")["rows"]) == (None, 1)


def test_a_query_that_is_not_utf_8_is_told_so(sql, tmp_path):
    sql("select 1")
    (tmp_path / "project" / "latin.sql").write_bytes("select 'é' as a".encode("latin-1"))

    done = sql("select 1", query="latin.sql")

    assert done.failure == ("import", "'latin.sql' is not UTF-8 text (at byte 8); save it as UTF-8")


def test_a_driver_that_is_missing_is_named(sql):
    kind, message = sql("select 1", url="nosuch://host/base").failure

    assert (kind, message.startswith("the driver of the database is not installed: ")) == ("import", True)


def test_a_database_file_can_be_an_input(run_step, one, database, tmp_path):
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "query.sql").write_text("select count(*) as n from houses")

    done = run_step("", call="pipespec.steps:sql", inputs=(one("db", database),), outputs=[("n", "n.csv")],
                    params={"query": "query.sql", "url": "sqlite:///{inputs.db}"})  # fmt: skip

    assert (done.failure, done.output("n.csv").read_text()) == (None, "n\n3\n")

"""What files keep of the index of a frame or Series, and of tables without rows."""

import itertools
from datetime import date

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipespec.step import formats

KEEPING = (".parquet", ".feather")
COLUMNS = (".csv", ".tsv", ".xlsx", ".json", ".jsonl")
TABLE = pd.DataFrame({"town": ["b", "a", "b"], "year": [2019, 2020, 2020], "sales": [1.5, 2.0, 3.0]})

FRAMES = {
    "grouped": TABLE.groupby("town")[["sales"]].mean(),
    "grouped by two": TABLE.groupby(["town", "year"])[["sales"]].sum(),
    "named numbers": TABLE.set_index("year"),
    "texts": TABLE.set_index(pd.Index(["x", "y", "z"])),
    "days": TABLE.set_index(pd.date_range("2021-10-01", periods=3)),
    "rows that are left": TABLE[TABLE["sales"] > 1.6],
    "half named": TABLE.set_index(
        pd.MultiIndex.from_tuples([("x", 1), ("y", 2), ("z", 3)], names=[None, "n"])
    ),
    "named like a column": TABLE.set_index("year", drop=False),
    "named like another column": TABLE.set_index(pd.Index([1, 2, 3], name="year")),
    "rows counted": TABLE,
    "rows counted under a name": TABLE.rename_axis(index="row"),
    "no rows": TABLE.set_index("town")[:0],
}
AS_COLUMNS = {
    "grouped": ["town", "sales"],
    "grouped by two": ["town", "year", "sales"],
    "named numbers": ["year", "town", "sales"],
    "texts": ["town", "year", "sales"],
    "days": ["town", "year", "sales"],
    "rows that are left": ["town", "year", "sales"],
    "half named": ["n", "town", "year", "sales"],
    "named like a column": ["town", "year", "sales"],
    "named like another column": ["town", "year", "sales"],
    "rows counted": ["town", "year", "sales"],
    "rows counted under a name": ["row", "town", "year", "sales"],
    "no rows": ["town", "year", "sales"],
}
NAME = "the index of the data frame, which has no name; name it, or save it as '.parquet'"
TOLD = {
    "texts": f"does not keep {NAME}",
    "days": f"does not keep {NAME}",
    "half named": f"does not keep {NAME.replace('the index', 'a level of the index', 1)}",
    "named like another column": "has the column 'year', and not the index of that name",
}


def through(value, path, annotation, options=None):
    formats.save(value, path, path.name, options or {})
    return formats.load(path, path.name, annotation, {})


def same(found, frame):
    pd.testing.assert_frame_equal(found, frame, check_freq=False)


@pytest.mark.parametrize("suffix", KEEPING)
@pytest.mark.parametrize("kind", FRAMES)
def test_parquet_and_feather_keep_every_index(tmp_path, capsys, kind, suffix):
    same(through(FRAMES[kind], tmp_path / f"x{suffix}", pd.DataFrame), FRAMES[kind])
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("suffix", COLUMNS)
@pytest.mark.parametrize("kind", FRAMES)
def test_other_files_have_the_named_levels_of_an_index_as_columns(tmp_path, capsys, kind, suffix):
    frame = FRAMES[kind]

    found = through(frame, tmp_path / f"x{suffix}", pd.DataFrame)

    told = f"pipespec: 'x{suffix}' {TOLD[kind]}\n" if kind in TOLD else ""
    assert capsys.readouterr().err == told
    columns = [] if len(frame) == 0 and suffix.startswith(".json") else AS_COLUMNS[kind]
    assert list(found.columns) == columns
    assert len(found) == len(frame)
    levels = [name for name in columns if name in frame.index.names and name not in frame.columns]
    for name in levels:
        assert found[name].to_list() == frame.index.get_level_values(name).to_list()


@pytest.mark.parametrize("suffix", [*COLUMNS, *KEEPING])
def test_what_save_says_of_the_index_is_done(tmp_path, capsys, suffix):
    frame = TABLE.set_index(pd.Index(["x", "y", "z"], name="key"))
    path = tmp_path / f"x{suffix}"

    assert list(through(frame, path, pd.DataFrame, {"index": False}).columns) == ["town", "year", "sales"]
    found = through(frame, path, pd.DataFrame, {"index": True})

    found = found if suffix in KEEPING else found.set_index("key")
    same(found, frame)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".xlsx", *KEEPING])
@pytest.mark.parametrize(
    "series",
    [TABLE["town"].value_counts(), TABLE.groupby(["town", "year"])["sales"].sum(), TABLE["sales"]],
    ids=["counts", "groups", "column"],
)
def test_a_series_keeps_its_index(tmp_path, series, suffix):
    pd.testing.assert_series_equal(through(series, tmp_path / f"x{suffix}", pd.Series), series)


@pytest.mark.parametrize("suffix", KEEPING)
def test_polars_gets_the_levels_that_have_a_name(tmp_path, suffix):
    path = tmp_path / f"x{suffix}"
    assert set(through(FRAMES["grouped by two"], path, pl.DataFrame).columns) == {"town", "year", "sales"}
    assert through(FRAMES["texts"], path, pl.DataFrame).columns == ["town", "year", "sales"]


@pytest.mark.parametrize("suffix", KEEPING)
def test_an_index_that_arrow_cannot_store_does_not_fail_a_step(tmp_path, capsys, suffix):
    frame = TABLE.set_index(pd.Index(["x", 2, date(2021, 1, 1)], name="mixed", dtype=object))

    found = through(frame, tmp_path / f"x{suffix}", pd.DataFrame)

    same(found, TABLE)
    told = capsys.readouterr().err
    assert told.startswith(
        f"pipespec: 'x{suffix}' does not keep the index of the data frame, which Arrow cannot store"
    )


NO_ROWS = {
    "pandas.DataFrame": (pd.DataFrame(), TABLE[:0]),
    "polars.DataFrame": (pl.DataFrame(), pl.DataFrame(schema={"town": pl.String, "year": pl.Int64})),
    "pandas.Series": (pd.Series([], dtype=float), TABLE["sales"][:0]),
    "polars.Series": (pl.Series([]), pl.Series("year", [], dtype=pl.Int64)),
    "list": ([],),
    "numpy.ndarray": (np.empty(0), np.empty((0, 3))),
}
READ_AS = {
    "pandas.DataFrame": (pd.DataFrame, pl.DataFrame, list),
    "polars.DataFrame": (pd.DataFrame, pl.DataFrame, list),
    "pandas.Series": (pd.Series, pd.DataFrame, pl.Series),
    "polars.Series": (pl.Series, pd.DataFrame, pl.DataFrame),
    "list": (list, pd.DataFrame, pl.DataFrame),
    "numpy.ndarray": (np.ndarray,),
}
WAYS = [
    (suffix, kind, number, annotation)
    for suffix, (kind, values) in itertools.product([*COLUMNS, *KEEPING], NO_ROWS.items())
    for number in range(len(values))
    for annotation in READ_AS[kind]
    if (suffix, kind) in formats.SAVERS
    and (suffix, f"{annotation.__module__.split('.')[0]}.{annotation.__name__}".removeprefix("builtins."))
    in formats.LOADERS
]


@pytest.mark.filterwarnings("ignore:loadtxt. input contained no data")
@pytest.mark.parametrize(("suffix", "kind", "number", "annotation"), WAYS)
def test_a_table_without_rows_can_be_read_back(tmp_path, suffix, kind, number, annotation):
    value = NO_ROWS[kind][number]

    found = through(value, tmp_path / f"x{suffix}", annotation)

    assert type(found) is annotation
    assert len(found) == 0
    if hasattr(value, "columns") and annotation is not list and not suffix.startswith(".json"):
        assert list(found.columns) == list(value.columns)


def test_every_format_of_tables_is_tried_without_rows():
    assert len(WAYS) > 60
    assert {suffix for suffix, *_ in WAYS} == {*COLUMNS, *KEEPING}


LABELS = st.one_of(
    st.lists(st.integers(-5, 5), min_size=3, max_size=3),
    st.lists(st.text("abc", max_size=2), min_size=3, max_size=3),
    st.lists(st.floats(allow_nan=False), min_size=3, max_size=3),
)


@given(st.lists(st.tuples(LABELS, st.sampled_from([None, "town", "key", "other"])), min_size=1, max_size=3))
def test_any_index_comes_back_from_parquet(tmp_path_factory, levels):
    labels, names = [level for level, _ in levels], [name for _, name in levels]
    if len({name for name in names if name}) < len([name for name in names if name]):
        names = [None] * len(names)
    index = (
        pd.Index(labels[0], name=names[0])
        if len(labels) == 1
        else pd.MultiIndex.from_arrays(labels, names=names)
    )
    frame = TABLE.set_index(index)

    same(through(frame, tmp_path_factory.mktemp("t") / "x.parquet", pd.DataFrame), frame)

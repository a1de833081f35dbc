import dataclasses
import json
import math
import subprocess
import sys
import typing
from collections import OrderedDict
from datetime import date
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, NewType

import joblib
import matplotlib.figure
import numpy as np
import pandas as pd
import plotly.graph_objects as go
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import TypeAliasType

from pipespec.spec.file_formats import FORMATS, TYPES, format_of
from pipespec.step import formats
from pipespec.step.formats import FormatError
from pipespec.step.formats.type_names import type_of_annotation, type_of_value

ANNOTATIONS = {
    "pandas.DataFrame": pd.DataFrame,
    "polars.DataFrame": pl.DataFrame,
    "pandas.Series": pd.Series,
    "polars.Series": pl.Series,
    "numpy.ndarray": np.ndarray,
    "matplotlib.figure.Figure": matplotlib.figure.Figure,
    "plotly.graph_objects.Figure": go.Figure,
    "dict": dict,
    "list": list,
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "bytes": bytes,
    "pathlib.Path": Path,
}


def picture():
    figure = matplotlib.figure.Figure()
    figure.subplots().plot([1, 3, 2])
    return figure


COLUMNS = {
    "id": [1, 2, 3],
    "share": [0.1, 1 / 3, 2e-9],
    "title": ["a,b", 'ü "q"', "x\ty"],
    "ok": [True, False, True],
}


def sample(name, suffix):
    match name:
        case "pandas.DataFrame":
            return pd.DataFrame(COLUMNS)
        case "polars.DataFrame":
            return pl.DataFrame(COLUMNS)
        case "pandas.Series":
            return pd.Series([0.1, 1 / 3], name="share")
        case "polars.Series":
            return pl.Series("share", [0.1, 1 / 3])
        case "numpy.ndarray":
            return np.array([[0.1, 1 / 3], [1e300, -0.5]])
        case "matplotlib.figure.Figure":
            return picture()
        case "plotly.graph_objects.Figure":
            return go.Figure(go.Bar(x=[1, 2], y=[3, 4]), layout={"title": {"text": "</script>ü"}})
        case "dict" if suffix == ".npz":
            return {"a": np.arange(3), "b": np.eye(2)}
        case "dict":
            return {"b": [1, 2.5, None, True, "no"], "a": {"1e3": "2021-10-01"}}
        case "list" if suffix in (".csv", ".tsv"):
            return [{"id": "1", "title": "a,\tb"}, {"id": "2", "title": "ü\n"}]
        case "list":
            return [{"a": 1}, [2, 3], "x", None]
        case "str":
            return "Grüße,\r\n'1'\tx\n"
        case "int":
            return 7
        case "float":
            return 0.1
        case "bool":
            return True
        case "bytes":
            return b"\x00\xff\r\n"


def same(left, right):
    match left:
        case pd.DataFrame():
            pd.testing.assert_frame_equal(left, right, check_column_type=False)
        case pd.Series():
            pd.testing.assert_series_equal(left, right)
        case pl.DataFrame() | pl.Series():
            assert left.equals(right)
        case np.ndarray():
            np.testing.assert_array_equal(left, right)
        case matplotlib.figure.Figure():
            assert [len(axes.lines) for axes in left.axes] == [len(axes.lines) for axes in right.axes]
        case dict() if any(isinstance(value, np.ndarray) for value in left.values()):
            assert list(left) == list(right)
            for name in left:
                np.testing.assert_array_equal(left[name], right[name])
        case _:
            assert left == right
            assert type(left) is type(right)


RAW = {"bytes", "pathlib.Path"}
LOADED = [
    (suffix, name) for suffix, entry in FORMATS.items() for name in entry.loads if name != "pathlib.Path"
]
SAVED = [
    (suffix, name) for suffix, entry in FORMATS.items() for name in entry.saves if name != "pathlib.Path"
]
IN_PICTURES = {
    (suffix, "plotly.graph_objects.Figure") for suffix in (".png", ".svg", ".pdf")
}  # need a browser


def test_the_table_is_implemented_exactly():
    table = {key for key in LOADED if not (key[1] == "bytes" and key[0] not in (".joblib", ".pkl"))}
    table |= {(suffix, "object") for suffix, entry in FORMATS.items() if entry.default == "object"}
    assert set(formats.LOADERS) == table
    assert set(formats.SAVERS) == {
        key for key in SAVED if not (key[1] == "bytes" and key[0] not in (".joblib", ".pkl"))
    }


def test_every_type_of_the_table_is_known():
    assert set(ANNOTATIONS) == set(TYPES)
    for entry in FORMATS.values():
        assert entry.default in (*entry.loads, "object")
        assert set(entry.loads) | set(entry.saves) <= {*TYPES, "object"}
        assert set(entry.loads) <= set(entry.saves)


@pytest.mark.parametrize(("suffix", "name"), LOADED)
def test_what_is_saved_is_loaded_again(tmp_path, suffix, name):
    path = tmp_path / f"x[1]*{suffix}"
    value = sample(name, suffix)

    formats.save(value, path, path.name, {})

    same(value, formats.load(path, path.name, ANNOTATIONS[name], {}))


@pytest.mark.parametrize(
    ("suffix", "name"), [key for key in SAVED if key not in set(LOADED) | IN_PICTURES and key[1] != "object"]
)
def test_what_is_only_saved_gives_a_file_of_its_kind(tmp_path, suffix, name):
    path = tmp_path / f"x{suffix}"

    formats.save(sample(name, suffix), path, path.name, {})

    starts = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF", ".html": b"<!doctype html>"}
    assert path.read_bytes().startswith(starts[suffix])


REPEATABLE = [
    (suffix, name)
    for suffix, name in SAVED
    if (suffix, name) not in IN_PICTURES
    and name != "object"
    and not (suffix in (".joblib", ".pkl") and name.endswith("Figure"))  # they hold addresses of objects
]


@pytest.mark.parametrize(("suffix", "name"), REPEATABLE)
def test_equal_values_give_equal_bytes(tmp_path, suffix, name):
    for number in (1, 2):
        formats.save(sample(name, suffix), tmp_path / f"{number}{suffix}", f"x{suffix}", {})

    assert (tmp_path / f"1{suffix}").read_bytes() == (tmp_path / f"2{suffix}").read_bytes()


@pytest.mark.parametrize(
    ("suffix", "name"),
    [(suffix, name) for suffix, entry in FORMATS.items() for name in TYPES if name not in entry.loads],
)
def test_what_the_table_has_not_is_not_loaded(tmp_path, suffix, name):
    (tmp_path / "x").write_bytes(b"")

    with pytest.raises(
        FormatError, match=f"^'x{suffix}' cannot be loaded as {name}: a '{suffix}' file is loaded as "
    ):
        formats.load(tmp_path / "x", f"x{suffix}", ANNOTATIONS[name], {})


@pytest.mark.parametrize(
    ("suffix", "name"),
    [(suffix, name) for suffix, entry in FORMATS.items() for name in TYPES if name not in entry.saves],
)
def test_what_the_table_has_not_is_not_saved(tmp_path, suffix, name):
    with pytest.raises(
        FormatError, match=f"^'x{suffix}' cannot be saved: a value of type .* which accepts '"
    ):
        formats.save(sample(name, suffix), tmp_path / "x", f"x{suffix}", {})

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", FORMATS)
def test_an_argument_without_annotation_gets_the_default(tmp_path, suffix):
    default = FORMATS[suffix].default
    name = "dict" if default == "object" else default
    path = tmp_path / f"x{suffix}"
    value = sample(name, suffix)
    formats.save(value, path, path.name, {})

    for annotation in (None, Any, object, "unheard.Of", TypeError):
        same(value, formats.load(path, path.name, annotation, {}))


def test_unknown_suffixes_take_bytes_and_give_a_path(tmp_path):
    path = tmp_path / "model.onnx"
    formats.save(b"abc", path, path.name, {})

    assert formats.load(path, path.name, None, {}) == path
    assert formats.load(path, path.name, bytes, {}) == b"abc"
    with pytest.raises(
        FormatError, match=r"'model.onnx' cannot be saved: a value of type 'str' does not fit into"
    ):
        formats.save("abc", path, path.name, {})


def test_suffixes_are_told_in_any_case():
    assert format_of("A.CSV") is FORMATS[".csv"]
    assert format_of("a.csv.gz").loads == ("bytes", "pathlib.Path")
    assert format_of("model").default == "pathlib.Path"


UserId = NewType("UserId", dict)
T = typing.TypeVar("T")


@pytest.mark.parametrize(
    ("annotation", "name"),
    [
        (pd.DataFrame, "pandas.DataFrame"),
        (pd.DataFrame | None, "pandas.DataFrame"),
        (typing.Optional[pl.DataFrame], "polars.DataFrame"),  # noqa: UP045 - as older code has it
        (Annotated[go.Figure, "x"], "plotly.graph_objects.Figure"),
        (np.typing.NDArray[np.float64], "numpy.ndarray"),
        (dict[str, int], "dict"),
        (list[str], "list"),
        (UserId, "dict"),
        (TypeAliasType("Frame", pd.DataFrame), "pandas.DataFrame"),
        (TypeAliasType("Array", np.ndarray[T], type_params=(T,))[int], "numpy.ndarray"),
        (Path, "pathlib.Path"),
        (type(Path()), "pathlib.Path"),
        (MappingProxyType, None),
        (int | str, None),
        (None, None),
        (Any, None),
        ("pd.DataFrame", None),
    ],
)
def test_annotations_are_looked_through(annotation, name):
    assert type_of_annotation(annotation) == name


class Colour(Enum):
    RED = "red"


class Number(int):
    pass


@dataclasses.dataclass
class Scores:
    f1: float
    per_class: dict


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (OrderedDict(a=1), "dict"),
        (MappingProxyType({}), "dict"),
        (Scores(1, {}), "dict"),
        (Scores, "object"),
        ((1, 2), "list"),
        (True, "bool"),
        (Number(1), "int"),
        (np.float64(1), "float"),
        (np.int8(1), "int"),
        (np.bool_(1), "bool"),
        (bytearray(b""), "bytes"),
        (Path(), "pathlib.Path"),
        (Colour.RED, "str"),
        (date(2021, 1, 1), "str"),
        (pd.Series([1], index=["a"]), "pandas.Series"),
        (type("Special", (pd.DataFrame,), {})(), "pandas.DataFrame"),
        (None, "object"),
        ({1}, "object"),
        ((x for x in ()), "object"),
    ],
)
def test_values_are_told_by_what_they_can_be_saved_as(value, name):
    assert type_of_value(value) == name


def test_json_is_written_one_way(tmp_path):
    value = {
        "b": Scores(np.float32(0.5), {0: np.int64(3), "x": np.arange(2)}),
        "a": (date(2021, 10, 1), Colour.RED),
    }

    formats.save(value, tmp_path / "x", "x.json", {})

    assert (tmp_path / "x").read_text() == (
        '{\n  "b": {\n    "f1": 0.5,\n    "per_class": {\n      "0": 3,\n      "x": [\n        0,\n        1\n'
        '      ]\n    }\n  },\n  "a": [\n    "2021-10-01",\n    "red"\n  ]\n}\n'
    )


def test_json_lines_are_one_value_a_line(tmp_path):
    formats.save([{"ü": 1}, "a\nb"], tmp_path / "x", "x.jsonl", {})

    assert (tmp_path / "x").read_text() == '{"ü": 1}\n"a\\nb"\n'


LOOP: list = []
LOOP.append(LOOP)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            {"scores": {"f1": math.nan}},
            "the value at 'scores.f1' is nan, which JSON does not support; remove it or return null",
        ),
        ([1, math.inf], "the value at '[1]' is inf, which JSON does not support; remove it or return null"),
        ({"a": {1, 2}}, "the value at 'a' is a 'set', which is not a JSON value"),
        ({"a": object}, "the value at 'a' is a 'type', which is not a JSON value"),
        ({"a": pd.NaT}, "the value at 'a' is a 'pandas.api.typing.NaTType', which is not a JSON value"),
        ({(1, 2): 3}, "the value has the key '(1, 2)', which is not text"),
        ({True: 3}, "the value has the key 'True', which is not text"),
        ({1: 3, "1": 4}, "the value has two keys that are both written '1'"),
        (LOOP, "the value is nested too deeply, or contains itself"),
        (
            {"a": "\ud800"},
            "UnicodeEncodeError: 'utf-8' codec can't encode character '\\ud800' in position 10: surrogates not allowed",
        ),
    ],
)
def test_what_json_cannot_hold_is_told_by_its_place(tmp_path, value, message):
    with pytest.raises(FormatError) as refused:
        formats.save(value, tmp_path / "x", "x.json", {})

    assert str(refused.value) == f"'x.json' cannot be saved: {message}"


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(json_values)
def test_any_json_value_survives_json_and_yaml(tmp_path_factory, value):
    folder = tmp_path_factory.mktemp("v")
    for suffix in (".json", ".yaml"):
        path = folder / f"x{suffix}"
        try:
            formats.save(value, path, path.name, {})
        except FormatError:  # a whole output is never null, and our YAML reader takes no NUL
            assert value is None or (suffix == ".yaml" and "\\u0000" in json.dumps(value))
            continue
        loaded = formats.load(path, path.name, None, {})
        assert json.dumps(loaded) == json.dumps(value), suffix


@given(st.lists(json_values, max_size=4))
def test_any_list_of_json_values_survives_lines(tmp_path_factory, value):
    path = tmp_path_factory.mktemp("v") / "x.jsonl"

    formats.save(value, path, path.name, {})

    assert json.dumps(formats.load(path, path.name, None, {})) == json.dumps(value)


floats = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".json", ".jsonl", ".parquet", ".feather"])
@given(st.lists(floats, min_size=1, max_size=5))
def test_floats_survive_tables_exactly(tmp_path_factory, suffix, numbers):
    path = tmp_path_factory.mktemp("t") / f"x{suffix}"

    formats.save(pd.DataFrame({"x": np.array(numbers, dtype=float)}), path, path.name, {})

    assert formats.load(path, path.name, pd.DataFrame, {})["x"].to_list() == numbers


def test_json_frames_keep_text_as_text_and_what_is_missing_as_null(tmp_path):
    frame = pd.DataFrame({"2020": ["007", None], "date": ["2021-10-01", "x"], "n": [1.5, math.nan]})

    formats.save(frame, tmp_path / "x", "x.jsonl", {})

    assert (tmp_path / "x").read_text() == (
        '{"2020": "007", "date": "2021-10-01", "n": 1.5}\n{"2020": null, "date": "x", "n": null}\n'
    )
    assert formats.load(tmp_path / "x", "x.jsonl", pd.DataFrame, {})["2020"][0] == "007"


def test_two_columns_of_one_name_are_no_json_rows(tmp_path):
    with pytest.raises(FormatError, match="two columns of the data frame have the same name"):
        formats.save(pd.DataFrame([[1, 2]], columns=["a", "a"]), tmp_path / "x", "x.json", {})


def test_csv_has_unix_line_ends(tmp_path):
    for value in (pd.DataFrame({"a": ["x"]}), pl.DataFrame({"a": ["x"]}), [{"a": "x"}]):
        formats.save(value, tmp_path / "x", "x.csv", {})
        assert (tmp_path / "x").read_bytes() == b"a\nx\n"


def test_options_reach_the_library(tmp_path):
    path = tmp_path / "x.csv"

    formats.save(
        pd.DataFrame({"a": [1.23456], "b": [2]}), path, path.name, {"sep": ";", "float_format": "%.2f"}
    )

    assert path.read_text() == "a;b\n1.23;2\n"
    loaded = formats.load(path, path.name, pd.DataFrame, {"sep": ";", "usecols": ["b"]})
    assert loaded.to_dict("list") == {"b": [2]}
    assert formats.load(path, path.name, pl.DataFrame, {"separator": ";"}).to_dict(as_series=False) == {
        "a": [1.23],
        "b": [2],
    }
    assert formats.load(path, path.name, pd.DataFrame, {"engine": "python", "delimiter": ";"}).shape == (1, 2)


def assert_told(text, message):
    """Compare whole, but for what a library adds in its own words of the day."""
    assert text.startswith(message) if message.endswith(": ") else text == message


@pytest.mark.parametrize(
    ("name", "annotation", "options", "message"),
    [
        (
            "x.csv",
            pd.DataFrame,
            {"usecol": ["a"]},
            "pandas.read_csv has no option 'usecol'; did you mean 'usecols'?",
        ),
        (
            "x.csv",
            pd.DataFrame,
            {"filepath_or_buffer": "/etc/passwd"},
            "option 'filepath_or_buffer' of pandas.read_csv is set by pipespec",
        ),
        ("x.csv", pl.DataFrame, {"sep": ";"}, "polars.read_csv has no option 'sep'"),
        (
            "x.csv",
            list,
            {"zzz": 1},
            "csv.DictReader does not accept these options: ",
        ),
        ("x.csv", bytes, {"a": 1}, "reading bytes has no options, but got 'a'"),
        ("x.csv", str, {"encodin": "latin-1"}, "open has no option 'encodin'; did you mean 'encoding'?"),
        ("x.yaml", None, {"a": 1}, "reading YAML has no options, but got 'a'"),
        (
            "x.json",
            None,
            {"a": 1},
            "json.loads does not accept these options: ",
        ),
        (
            "x.jsonl",
            None,
            {"cls_": 1},
            "json.loads does not accept these options: ",
        ),
        ("x.npy", None, {"file": "y"}, "option 'file' of numpy.load is set by pipespec"),
    ],
)
def test_unknown_load_options_are_named(tmp_path, name, annotation, options, message):
    (tmp_path / "x").write_text("1\n")

    with pytest.raises(FormatError) as refused:
        formats.load(tmp_path / "x", name, annotation, options)

    assert_told(str(refused.value).partition(": ")[2], message)


@pytest.mark.parametrize(
    ("name", "value", "options", "message"),
    [
        (
            "x.csv",
            pd.DataFrame({"a": [1]}),
            {"indx": True},
            "pandas.DataFrame.to_csv has no option 'indx'; did you mean 'index'?",
        ),
        (
            "x.parquet",
            pl.DataFrame({"a": [1]}),
            {"compresion": "x"},
            "polars.DataFrame.write_parquet has no option 'compresion'; did you mean 'compression'?",
        ),
        (
            "x.parquet",
            pd.DataFrame({"a": [1]}),
            {"zzz": 1},
            "pandas.DataFrame.to_parquet does not accept these options: ",
        ),
        (
            "x.png",
            picture(),
            {"zzz": 1},
            "matplotlib.figure.Figure.savefig does not accept these options: ",
        ),
        (
            "x.png",
            picture(),
            {"metadata": 1},
            "option 'metadata' of matplotlib.figure.Figure.savefig must be a mapping",
        ),
        (
            "x.html",
            go.Figure(),
            {"divid": 1},
            "plotly.io.write_html has no option 'divid'; did you mean 'div_id'?",
        ),
        (
            "x.yaml",
            {},
            {"indent": 2},
            "writing YAML has no option 'indent', only 'allow_unicode', 'default_flow_style', 'explicit_start', 'width'",
        ),
        ("x.joblib", {}, {"filename": 2}, "option 'filename' of joblib.dump is set by pipespec"),
    ],
)
def test_unknown_save_options_are_named(tmp_path, name, value, options, message):
    with pytest.raises(FormatError) as refused:
        formats.save(value, tmp_path / "x", name, options)

    assert_told(str(refused.value), f"'{name}' cannot be saved: {message}")


@pytest.mark.parametrize(
    ("name", "content", "annotation", "message"),
    [
        (
            "x.json",
            b'{"a": 1}',
            list,
            "it contains a value of type 'dict', but the argument is annotated 'list'",
        ),
        ("x.json", b"null", dict, "it contains a value of type 'null', but the argument is annotated 'dict'"),
        (
            "x.json",
            b"{",
            dict,
            "json.decoder.JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
        ),
        ("x.json", b"1", pd.DataFrame, "it is not a list of JSON objects, one for each row"),
        ("x.json", b"1", np.ndarray, "it is not a list of numbers"),
        (
            "x.jsonl",
            b"1\n{\n",
            list,
            "line 2 is not a JSON value: Expecting property name enclosed in double quotes: line 2 column 1 (char 2)",
        ),
        ("x.csv", b"", None, "pandas.errors.EmptyDataError: No columns to parse from file"),
        ("x.csv", b"\n", pd.Series, "a Series is a table with a column of values, but this has no columns"),
        ("x.csv", b"a,b\n1,2\n", pl.Series, "a Series is a table with one column, but this has 2"),
        (
            "x.txt",
            b"\xff",
            None,
            "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte",
        ),
    ],
)
def test_a_file_that_does_not_fit_says_why(tmp_path, name, content, annotation, message):
    (tmp_path / "x").write_bytes(content)

    with pytest.raises(FormatError) as refused:
        formats.load(tmp_path / "x", name, annotation, {})

    assert str(refused.value).partition(": ")[2] == message


def test_a_mistake_in_yaml_is_told_with_its_place(tmp_path):
    (tmp_path / "x").write_text("a: 1\nb: [\n")

    with pytest.raises(FormatError, match=r"^'x.yaml' cannot be loaded as object: line \d, column \d+: "):
        formats.load(tmp_path / "x", "x.yaml", None, {})


def test_an_int_in_json_fits_float(tmp_path):
    (tmp_path / "x").write_text("7")

    loaded = formats.load(tmp_path / "x", "x.json", float, {})

    assert (loaded, type(loaded)) == (7, int)


def test_npz_holds_one_array_or_several_by_name(tmp_path):
    path = tmp_path / "x.npz"
    formats.save({"a": np.eye(2), "b": np.eye(1)}, path, path.name, {})

    with pytest.raises(FormatError, match="it contains 2 arrays; annotate the argument as 'dict'"):
        formats.load(path, path.name, np.ndarray, {})
    with pytest.raises(FormatError, match=r"'file' is not a valid name for an array in numpy.savez"):
        formats.save({"file": np.eye(2)}, path, path.name, {})


def test_arrays_are_never_pickled_unasked(tmp_path):
    objects = np.array([{}, []], dtype=object)
    for name, value in (("x.npy", objects), ("x.npz", {"a": objects})):
        with pytest.raises(FormatError, match="allow_pickle=False"):
            formats.save(value, tmp_path / name, name, {})
    np.save(tmp_path / "y.npy", objects, allow_pickle=True)
    with pytest.raises(FormatError, match="allow_pickle=False"):
        formats.load(tmp_path / "y.npy", "y.npy", None, {})
    assert formats.load(tmp_path / "y.npy", "y.npy", None, {"allow_pickle": True}).tolist() == [{}, []]


@pytest.mark.parametrize("suffix", [".joblib", ".pkl"])
def test_any_object_can_be_pickled(tmp_path, suffix):
    path = tmp_path / f"x{suffix}"
    formats.save({Colour.RED: {1, 2}}, path, path.name, {"protocol": 4})

    assert formats.load(path, path.name, None, {}) == {Colour.RED: {1, 2}}


@pytest.mark.parametrize("suffix", [".joblib", ".pkl", ".json", ".csv", ".parquet", ".txt"])
@pytest.mark.parametrize(
    "make",
    [
        lambda: (x for x in ()),
        lambda: Path(__file__).open(),  # noqa: SIM115 - it is what is to be refused
        lambda: __import__("threading").Lock(),
        lambda: lambda: 1,
    ],
)
def test_what_cannot_be_saved_is_told_with_its_type(tmp_path, suffix, make):
    value = make()

    with pytest.raises(FormatError) as refused:
        formats.save(value, tmp_path / "x", f"x{suffix}", {})

    assert any(word in str(refused.value) for word in (type(value).__name__, "lambda"))


def test_plotly_pictures_say_what_they_need(tmp_path):
    try:
        import kaleido  # noqa: F401
    except ImportError:
        with pytest.raises(FormatError, match="this needs the package 'kaleido'"):
            formats.save(go.Figure(), tmp_path / "x", "x.png", {})


def test_a_heavy_library_is_imported_only_for_its_format(tmp_path):
    code = f"""
import sys
from pathlib import Path
from pipespec.step import formats
path = Path({str(tmp_path)!r}) / "x"
for name, value in (("x.json", {{"a": 1}}), ("x.txt", "a"), ("x.csv", [{{"a": "b"}}]), ("x.pkl", {{1}}), ("x.yaml", [1])):
    formats.save(value, path, name, {{}})
    formats.load(path, name, type(value), {{}})
print(sorted({{"pandas", "polars", "numpy", "matplotlib", "plotly", "joblib", "pyarrow", "openpyxl"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, timeout=60)

    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_the_docs_show_the_table():
    text = (Path(__file__).parents[2] / "docs" / "formats.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| `.") and line.count("|") == 5]
    shown = {}
    for row in rows:
        suffix, default, both, only_saved = (cell.strip() for cell in row.strip("|").split("|"))
        shown[suffix.strip("`")] = tuple(
            tuple(word.strip("` ") for word in cell.split(",") if word.strip("` "))
            for cell in (default, both, only_saved)
        )

    def spoken(names):
        return tuple("any object" if name == "object" else name.removeprefix("pathlib.") for name in names)

    assert shown == {
        suffix: (
            ("its value",) if entry.default == "object" else spoken([entry.default]),
            spoken([name for name in entry.loads if name not in RAW])
            if len(entry.loads) < len(TYPES)
            else ("any object",),
            spoken([name for name in entry.saves if name not in (*entry.loads, "object")]),
        )
        for suffix, entry in FORMATS.items()
    }


def plugin(folder: Path, name: str, body: str, distribution: str):
    (folder / f"{name}.py").write_text(body)
    info = folder / f"{distribution}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[pipespec.formats]\nshout = {name}\ncsv = {name}\n")


SHOUT = """
def load(path, annotation, options):
    return (path.read_text().lower(), annotation, dict(options))

def save(value, path, options):
    path.write_text(value.upper())
"""

ASK = """
import sys
from pathlib import Path
from pipespec.step import formats
from pipespec.step.formats import format_plugins
print(sorted(format_plugins.installed_suffixes()), "loud" in sys.modules)
path = Path(sys.argv[1])
try:
    formats.save("hey", path, "x.shout", {})
    print(path.read_text(), formats.load(path, "x.SHOUT", str, {"a": 1}), formats.load(path, "x.shout", bytes, {}))
    formats.save("hey", path, "x.csv", {})
    print(path.read_text())
except formats.FormatError as error:
    print(error)
"""


def ask(folder, path):
    done = subprocess.run(
        [sys.executable, "-P", "-c", ASK, str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        env={"PYTHONPATH": str(folder)},
    )
    assert done.stderr == ""
    return done.stdout


def test_an_installed_package_adds_a_format(tmp_path):
    plugin(tmp_path, "loud", SHOUT, "loud")

    assert (
        ask(tmp_path, tmp_path / "x")
        == "['.shout'] False\nHEY ('hey', <class 'str'>, {'a': 1}) b'HEY'\nhey\n"
    )


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            "raise ValueError('no luck')",
            "'x.shout' cannot be saved: the format 'shout' of 'loud' cannot be loaded: no luck",
        ),
        ("save = 1", "'x.shout' cannot be saved: the format 'shout' of 'loud' has no function 'load'"),
    ],
)
def test_a_broken_format_of_a_package_is_named(tmp_path, body, message):
    plugin(tmp_path, "loud", body, "loud")

    assert ask(tmp_path, tmp_path / "x") == f"['.shout'] False\n{message}\n"


def test_two_packages_that_claim_a_suffix_are_named(tmp_path):
    plugin(tmp_path, "loud", SHOUT, "loud")
    plugin(tmp_path, "louder", SHOUT, "louder")

    assert ask(tmp_path, tmp_path / "x").splitlines()[1] == (
        "'x.shout' cannot be saved: several packages define the suffix '.shout': 'loud', 'louder'"
    )


def test_a_pickle_by_joblib_is_one_file(tmp_path):
    formats.save({"a": np.zeros(10**6)}, tmp_path / "x.joblib", "x.joblib", {})

    assert [path.name for path in tmp_path.iterdir()] == ["x.joblib"]
    assert joblib.load(tmp_path / "x.joblib")["a"].shape == (10**6,)


def test_pictures_bear_no_date(tmp_path):
    formats.save(picture(), tmp_path / "x.pdf", "x.pdf", {"metadata": {"Title": "T"}})
    formats.save(picture(), tmp_path / "x.svg", "x.svg", {})

    assert b"CreationDate" not in (tmp_path / "x.pdf").read_bytes()
    assert b"/Title" in (tmp_path / "x.pdf").read_bytes()
    assert b"<dc:date>" not in (tmp_path / "x.svg").read_bytes()

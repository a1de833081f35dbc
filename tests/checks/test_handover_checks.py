"""What is said of values between steps, against what saving and loading really does with them."""

import sys
import types
import typing
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typeguard import CollectionCheckStrategy, TypeCheckError, check_type

from pipespec.operations.compiling.compile_file import compile_file
from pipespec.step.arguments.input_loading import load_input
from pipespec.step.failure import StepError
from pipespec.step.results.output_saving import save_output
from pipespec.step.step_job import Artifact, InputJob, OutputJob

TYPES = """
import datetime as dt
import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, NewType, NotRequired, Optional, TypedDict

import numpy as np
import pandas as pd


class Mode(enum.Enum):
    fast = "a"
    slow = 2


class Word(enum.StrEnum):
    a = "a"
    b = "b"


@dataclass
class Model:
    depth: int
    mode: Mode = Mode.fast
    made: str = field(default="x", init=False)


@dataclass
class Plain:
    depth: float
    days: list[dt.date] = field(default_factory=list)


@dataclass
class Nested(Plain):
    inner: Optional[Plain] = None


class Pair(NamedTuple):
    a: int
    b: str


class Sizes(TypedDict):
    depth: int
    width: NotRequired[str]


Id = NewType("Id", int)
"""

ANNOTATIONS = [
    "bool", "int", "float", "str", "Id", "dict", "list", "list[int]", "list[str]", "list[list[int]]", "tuple[int, str]",
    "tuple[int, ...]", "dict[str, int]", "dict[int, str]", "dict[str, list[str]]", "dt.date", "list[dt.date]", "Path", "list[Path]",
    "Mode", "list[Mode]", "Word", "Literal['a', 1]", "Literal['b']", "Literal[Mode.fast]", "Model", "Plain", "Nested", "list[Plain]",
    "Pair", "Sizes", "int | str", "list[int] | None", "Sequence[int]", "Mapping[str, str]", "Iterable[str]", "set[int]",
    "Any", "object", "bytes", "Optional[Model]", "dict[str, Any]", "list[dict[str, int]]",
    "pd.DataFrame", "np.ndarray", "list[dict[str, str]]",
]  # fmt: skip
FILES = ["it.json", "it.jsonl", "it.joblib", "it.csv", "it.npz"]


@pytest.fixture(scope="module")
def live():
    module = types.ModuleType("kinds")
    sys.modules["kinds"] = module
    exec(TYPES, module.__dict__)
    yield {text: eval(text, module.__dict__) for text in ANNOTATIONS}
    del sys.modules["kinds"]


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """The code of what is said where a file of a maker's annotation is read as another, or nothing."""
    folder = tmp_path_factory.mktemp("project")
    makers = "\n".join(f"def m{i}() -> {text}: ..." for i, text in enumerate(ANNOTATIONS))
    readers = "\n".join(f"def r{i}(it: {text}): ..." for i, text in enumerate(ANNOTATIONS))
    (folder / "kinds.py").write_text(f"{TYPES}\n{makers}\n{readers}\n")
    lines = ["pipespec: 1", "steps:"]
    for f, file in enumerate(FILES):
        for i, _ in enumerate(ANNOTATIONS):
            lines.append(f"  m{f}_{i}: {{call: 'kinds:m{i}', outputs: {{it: {file}}}}}")
            for j, _ in enumerate(ANNOTATIONS):
                lines.append(f"  r{f}_{i}_{j}: {{call: 'kinds:r{j}', inputs: {{it: m{f}_{i}.it}}}}")
    (folder / "pipeline.yaml").write_text("\n".join(lines) + "\n")
    compiled = compile_file(folder / "pipeline.yaml", trusted=False)
    found = {(one.span.line - 1, one.severity): one.code for one in compiled.diagnostics}
    table = {}
    for number, line in enumerate(lines):
        name = line.strip().partition(":")[0]
        if name[0] in "mr" and name[1:2].isdigit():
            f, *who = map(int, name[1:].split("_"))
            table[FILES[f], *(ANNOTATIONS[one] for one in who)] = (
                found.get((number, "error")),
                found.get((number, "advice")),
            )
    return table


def values(annotation):
    """Values of an annotation, none of them a container with nothing in it."""
    base = getattr(annotation, "__origin__", annotation)
    if annotation in (list, dict, object, typing.Any):
        return st.sampled_from(
            {list: [[1], ["x"]], dict: [{"a": 1}, {"a": "b"}]}.get(annotation, [1, "x", [1], {"a": 2}])
        )
    if getattr(base, "__name__", "") in ("Sequence", "Iterable"):
        return st.lists(values(typing.get_args(annotation)[0]), min_size=1, max_size=2) | st.just("text")
    if getattr(base, "__name__", "") == "DataFrame":
        import pandas as pd

        return st.sampled_from([pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"a": ["x"], "b": [0.5]})])
    if getattr(base, "__name__", "") == "ndarray":
        import numpy as np

        return st.sampled_from([np.array([1, 2]), np.array([[0.5]])])
    if annotation is bytes:
        return st.sampled_from([b'{"a": 1}', b"x", b"[1]", b"3"])
    if annotation is float:
        return st.sampled_from([1.0, 2.5, 3, True])
    if annotation is int:
        return st.sampled_from([0, 3, True])
    if base is dict:
        key, item = map(values, typing.get_args(annotation))
        return st.dictionaries(key, item, min_size=1, max_size=2)
    if base is list:
        return st.lists(values(*typing.get_args(annotation)), min_size=1, max_size=2)
    if annotation is Path:
        return st.sampled_from([Path("a"), Path("b/c")])
    return st.from_type(annotation)


def is_hollow(value):
    """Tell whether a value has a container with nothing in it: such a one is of every kind of container."""
    if isinstance(value, dict):
        return not value or any(map(is_hollow, value.values()))
    if isinstance(value, list | tuple | set | frozenset):
        return not value or any(map(is_hollow, value))
    return is_hollow(vars(value)) if hasattr(value, "__dataclass_fields__") else False


def is_a(value, annotation):
    """Tell, by typeguard, whether a value is what an annotation says; a list is as good as a tuple."""
    if typing.get_origin(annotation) is Iterable:  # whose items typeguard leaves alone
        return isinstance(value, Iterable) and all(is_a(one, *typing.get_args(annotation)) for one in value)
    try:
        check_type(value, annotation, collection_check_strategy=CollectionCheckStrategy.ALL_ITEMS)
    except TypeCheckError:
        return False
    return True


@pytest.mark.slow
@settings(max_examples=300)
@given(data=st.data())
def test_what_a_reader_gets_without_complaint_is_never_refused(data, said, live, tmp_path_factory):
    made, read = data.draw(st.sampled_from(ANNOTATIONS)), data.draw(st.sampled_from(ANNOTATIONS))
    file = data.draw(st.sampled_from(FILES))
    value = data.draw(values(live[made]))
    folder = tmp_path_factory.mktemp("run")
    if made in ("Path", "list[Path]"):
        (folder / "there").write_bytes(data.draw(st.sampled_from([b"3", b'{"a": 1}', b"x"])))
        value = folder / "there" if made == "Path" else [folder / "there"]

    try:
        save_output(value, folder / file, OutputJob("it", file))
    except StepError:
        return
    assert said[file, made][0] is None
    artifact = Artifact(str(folder / file), None, file)
    try:
        loaded = load_input(InputJob("it", "one", (artifact,)), live[read], folder / "private")
    except StepError:
        return
    error, advice = said[file, made, read]
    # A union that no member of can be loaded gets what the suffix gives; that is refused all the same.
    assert error is None or (" | " in read and not is_a(loaded, live[read]))
    if advice == "doubtful-type" and not is_hollow(value) and not is_hollow(loaded):
        assert not is_a(loaded, live[read])


def test_much_is_told(said):
    told = {code for codes in said.values() for code in codes}

    assert told >= {"type-mismatch", "doubtful-type"}
    assert said["it.json", "list[int]", "dict"] == ("type-mismatch", None)
    assert said["it.json", "dict[str, int]", "Mapping[str, str]"] == (None, "doubtful-type")
    assert said["it.joblib", "list[int]", "dict"] == (None, "doubtful-type")
    assert said["it.joblib", "dict[int, str]", "dict[int, str]"] == (None, None)

import sys
import textwrap
import time
from pathlib import Path

import pytest

from pipespec.errors import Span
from pipespec.project.disk_modules import DiskModules
from pipespec.python.callable_ref import CallableRef
from pipespec.python.problem_kind import ProblemKind
from pipespec.python.signature import (
    UNION,
    Annotation,
    Argument,
    ArgumentKind,
    CallableProblem,
    CallableSource,
    DataclassDefinition,
    EnumDefinition,
    EnumMember,
)
from pipespec.python.signature_reader import read_signature

SPAN = Span("pipeline.yaml", 1, 1, 1, 2)


def write(root: Path, files: dict[str, str | bytes]) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else textwrap.dedent(content).encode())


def read(root: Path, call: str, *, sites: list[Path] | None = None):
    module, _, qualname = call.partition(":")
    return read_signature(CallableRef(module, qualname, SPAN), [root], DiskModules(root, sites or []))


def signature(root: Path, source: str, call: str = "m:f") -> CallableSource:
    write(root, {"m.py": source})
    found = read(root, call)
    assert isinstance(found, CallableSource), found
    return found


def annotation(root: Path, text: str, head: str = "") -> Annotation:
    found = signature(root, f"{textwrap.dedent(head)}\ndef f(x: {text}): pass\n").arguments[0].annotation
    assert found is not None
    return found


def test_tells_kinds_defaults_and_the_rest(tmp_path):
    found = signature(
        tmp_path,
        '''
        def f(a, /, b, c: int = 1_000, *more, d, e=[1, -2.5], g=b"x", **rest) -> dict:
            """Say what it does.

            At length.
            """
        ''',
    )

    assert [(one.name, one.kind.value) for one in found.arguments] == [
        ("a", "positional-only"),
        ("b", "plain"),
        ("c", "plain"),
        ("d", "keyword-only"),
        ("e", "keyword-only"),
        ("g", "keyword-only"),
    ]
    assert found.argument("c") == Argument(
        "c", ArgumentKind.PLAIN, Annotation("int", "int"), True, 1000, True, "1_000"
    )
    assert found.argument("e").default == [1, -2.5]
    assert (found.argument("g").has_default, found.argument("g").default_is_literal) == (True, False)
    assert (found.argument("a"), found.argument("d").has_default) == (None, False)
    assert (found.has_kwargs, found.returns) == (True, Annotation("dict", "dict"))
    assert found.docstring == "Say what it does.\n\nAt length."
    assert (found.module, found.qualname, found.path, found.line) == ("m", "f", tmp_path / "m.py", 2)
    assert (found.is_async, found.is_generator, found.is_class, found.is_certain, found.notes) == (
        False,
        False,
        False,
        True,
        (),
    )


def test_tells_async_functions_and_generators_apart(tmp_path):
    source = """
    async def a(): return 1
    def g(): yield 1
    def outer():
        def inner(): yield 1
        return inner
    short = lambda x, y=2: x
    """
    assert signature(tmp_path, source, "m:a").is_async
    assert signature(tmp_path, source, "m:g").is_generator
    assert not signature(tmp_path, source, "m:outer").is_generator
    assert [one.name for one in signature(tmp_path, source, "m:short").arguments] == ["x", "y"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("pd.DataFrame", "pandas.DataFrame"),
        ("Frame", "pandas.DataFrame"),
        ("Path", "pathlib.Path"),
        ("'Path'", "pathlib.Path"),
        ("np.ndarray", "numpy.ndarray"),
        ("dt.date", "datetime.date"),
        ("Late", "late.Late"),
        ("Table", "pandas.DataFrame"),
        ("List", "list"),
        ("nowhere.Thing", "nowhere.Thing"),
        ("x if y else z", ""),
        ("None", "None"),
        ("Annotated[Path, 'note']", "pathlib.Path"),
        ("UserId", "int"),
    ],
)
def test_annotations_get_their_full_names(tmp_path, text, name):
    head = """
    import datetime as dt
    import numpy as np
    import pandas as pd
    from pandas import DataFrame as Frame
    from pathlib import Path
    from typing import TYPE_CHECKING, Annotated, List, NewType
    if TYPE_CHECKING:
        from late import Late
    Table = Frame
    UserId = NewType("UserId", int)
    """
    assert annotation(tmp_path, text, head).name == name


def test_unions_are_flat_however_they_are_written(tmp_path):
    head = "from typing import Optional, Union\nfrom pathlib import Path\n"
    for text in (
        "Optional[Path | str]",
        "Path | str | None",
        "Union[Path, Optional[str]]",
        "'Path | str | None'",
    ):
        found = annotation(tmp_path, text, head)
        assert (found.name, [one.name for one in found.members]) == (UNION, ["pathlib.Path", "str", "None"])
    assert annotation(tmp_path, "list[int]", head).members == (
        Annotation("list[int]", "list", (Annotation("int", "int"),)),
    )


def test_literals_keep_their_values_and_types(tmp_path):
    found = annotation(tmp_path, "Literal['a', 1, True, None, [1]]", "from typing import Literal")

    assert found.name == "typing.Literal"
    assert found.literals == ("a", 1, True, None)
    assert [type(one) for one in found.literals] == [str, int, bool, type(None)]


def test_enums_and_dataclasses_of_the_project_are_defined(tmp_path):
    write(
        tmp_path,
        {
            "kinds.py": """
            from dataclasses import KW_ONLY, dataclass, field
            from enum import Enum, IntEnum, StrEnum, auto
            from typing import ClassVar

            class Mode(StrEnum):
                FAST = auto()
                SLOW = "slow"
                def hello(self): ...

            class Level(IntEnum):
                LOW = auto()
                HIGH = 5
                TOP = auto()

            class Odd(Enum):
                THING = object()

            @dataclass
            class Base:
                name: str

            @dataclass(frozen=True)
            class Options(Base):
                mode: Mode = Mode.FAST
                sizes: list[int] = field(default_factory=list)
                made: int = field(init=False)
                shared: ClassVar[int] = 3
                _: KW_ONLY
                inner: "Options | None" = None
            """
        },
    )
    found = signature(
        tmp_path,
        "import kinds\nfrom kinds import Options\ndef f(o: Options | None, l: kinds.Level, d: kinds.Odd): ...",
    )

    assert list(found.definitions) == ["kinds.Level", "kinds.Mode", "kinds.Odd", "kinds.Options"]
    assert found.definitions["kinds.Mode"] == EnumDefinition(
        "kinds.Mode", (EnumMember("FAST", "fast"), EnumMember("SLOW", "slow"))
    )
    assert found.definitions["kinds.Level"].members == (
        EnumMember("LOW", 1),
        EnumMember("HIGH", 5),
        EnumMember("TOP", 6),
    )
    assert found.definitions["kinds.Odd"].members == (EnumMember("THING", None, is_literal=False),)
    options = found.definitions["kinds.Options"]
    assert isinstance(options, DataclassDefinition)
    assert [(one.name, one.kind.value, one.has_default, one.annotation.name) for one in options.fields] == [
        ("name", "plain", False, "str"),
        ("mode", "plain", True, "kinds.Mode"),
        ("sizes", "plain", True, "list"),
        ("inner", "keyword-only", True, UNION),
    ]


def test_follows_re_exports_and_aliases(tmp_path):
    write(
        tmp_path,
        {
            "news/__init__.py": "from .articles import fetch as fetch_ids\n",
            "news/articles.py": "from . import text\nfetch = text.load\n",
            "news/text.py": "def load(path): ...\n",
        },
    )
    for call in ("news:fetch_ids", "news.articles:fetch", "news.text:load"):
        found = read(tmp_path, call)
        assert (found.module, found.qualname) == ("news.text", "load")


def test_the_last_definition_wins_and_overloads_are_passed_over(tmp_path):
    source = """
    from typing import overload
    try:
        from fast import f
    except ImportError:
        def f(slow): ...
    def f(twice): ...
    if True:
        def f(conditional): ...
    @overload
    def f(a: int) -> int: ...
    if __name__ == "__main__":
        def f(never): ...
    """
    assert [one.name for one in signature(tmp_path, source).arguments] == ["conditional"]


def test_names_for_typing_only_cannot_be_called(tmp_path):
    write(
        tmp_path,
        {
            "m.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from n import f\n",
            "n.py": "def f(): ...",
        },
    )

    assert read(tmp_path, "m:f").kind is ProblemKind.FUNCTION_NOT_FOUND


def test_static_and_class_methods_are_read_plain_ones_refused(tmp_path):
    source = """
    class Base:
        @classmethod
        def make(cls, path): ...
    class Model(Base):
        @staticmethod
        def load(path): ...
        def run(self, x): ...
        class Inner:
            @staticmethod
            def deep(y): ...
    """
    static, made = signature(tmp_path, source, "m:Model.load"), signature(tmp_path, source, "m:Model.make")

    assert [one.name for one in static.arguments] == ["path"]
    assert [one.name for one in made.arguments] == ["path"]
    assert [one.name for one in signature(tmp_path, source, "m:Model.Inner.deep").arguments] == ["y"]
    assert read(tmp_path, "m:Model.run") == CallableProblem(
        ProblemKind.NOT_CALLABLE,
        "'m:Model.run' is an instance method; only static methods and class methods can be called",
        (),
        tmp_path / "m.py",
        8,
        hint="write a function that makes the object and calls this method",
    )
    assert read(tmp_path, "m:Model.lod") == CallableProblem(
        ProblemKind.FUNCTION_NOT_FOUND,
        "class 'Model' of module 'm' has no method 'lod'",
        ("m:Model.load",),
        tmp_path / "m.py",
        5,
    )


def test_classes_are_called_by_init_or_by_their_fields(tmp_path):
    source = """
    from dataclasses import dataclass
    from typing import NamedTuple
    class Plain:
        def __init__(self, a, *, b=1): ...
    class Child(Plain): ...
    @dataclass
    class Data:
        x: int
        y: str = "y"
    class Pair(NamedTuple):
        left: int
        right: int = 2
    class Other(unknown.Base): ...
    class Empty: ...
    """
    for name, arguments in {
        "Plain": ["a", "b"],
        "Child": ["a", "b"],
        "Data": ["x", "y"],
        "Pair": ["left", "right"],
        "Empty": [],
    }.items():
        found = signature(tmp_path, source, f"m:{name}")
        assert ([one.name for one in found.arguments], found.is_class, found.is_certain) == (
            arguments,
            True,
            True,
        )
    other = signature(tmp_path, source, "m:Other")
    assert (other.is_certain, other.notes) == (
        False,
        ("the arguments of class 'Other' come from a base class whose source is not read",),
    )


def test_decorators_that_cannot_be_judged_are_said(tmp_path):
    source = """
    import functools
    import torch
    from functools import lru_cache, partial
    @lru_cache(maxsize=1)
    @torch.no_grad()
    def clear(x): ...
    def timed(f):
        @functools.wraps(f)
        def inner(*a, **k): return f(*a, **k)
        return inner
    @timed
    def veiled(x): ...
    half = partial(veiled, 1)
    LIMIT = 3
    """
    assert signature(tmp_path, source, "m:clear").is_certain
    veiled = signature(tmp_path, source, "m:veiled")
    assert (veiled.is_certain, veiled.notes) == (False, ("decorator 'timed' may change the arguments",))
    assert read(tmp_path, "m:half").kind is ProblemKind.NOT_READABLE
    assert read(tmp_path, "m:half").message == (
        "'m:half' is created when its module is imported, so its arguments cannot be read"
    )
    assert read(tmp_path, "m:LIMIT").kind is ProblemKind.NOT_CALLABLE


def test_unknown_modules_and_functions_come_with_the_nearest(tmp_path):
    write(
        tmp_path,
        {"news/articles.py": "LIMIT = 1\ndef fetch_ids(): ...\ndef fetch_titles(): ...\n", "notes.txt": ""},
    )

    assert read(tmp_path, "news.artcles:fetch_ids") == CallableProblem(
        ProblemKind.MODULE_NOT_FOUND,
        "there is no module 'news.artcles'",
        ("news.articles:fetch_ids",),
        present=("news.articles",),
    )
    assert read(tmp_path, "newz.article:fetch_ids").nearest == ("news.articles:fetch_ids",)
    assert read(tmp_path, "news.articles:fetch_idz") == CallableProblem(
        ProblemKind.FUNCTION_NOT_FOUND,
        "module 'news.articles' has no function 'fetch_idz'",
        ("news.articles:fetch_ids", "news.articles:fetch_titles"),
        tmp_path / "news/articles.py",
    )
    assert read(tmp_path, "zzz:f").nearest == ()
    assert read(tmp_path, "..:f").kind is ProblemKind.MODULE_NOT_FOUND


def test_a_built_in_is_no_function_of_a_module(tmp_path):
    write(tmp_path, {"m.py": "def prints(): ..."})

    assert read(tmp_path, "m:print").kind is ProblemKind.FUNCTION_NOT_FOUND
    assert read(tmp_path, "m:print").nearest == ("m:prints",)


def test_a_function_of_python_itself_stays_flagged_behind_a_re_export(tmp_path):
    write(tmp_path, {"m.py": "from os import system"})
    stdlib = [Path(entry) for entry in sys.path if entry and Path(entry).is_dir()]

    assert read(tmp_path, "m:system", sites=stdlib).is_stdlib


def test_a_missing_re_export_names_the_missing_module(tmp_path):
    write(tmp_path, {"m.py": "from gone.away import f\n", "n.py": "from .beyond import f\n"})

    assert read(tmp_path, "m:f") == CallableProblem(
        ProblemKind.MODULE_NOT_FOUND,
        "'m:f' comes from elsewhere: there is no module 'gone.away'",
        present=("m", "n"),
    )
    assert read(tmp_path, "n:f").kind is ProblemKind.MODULE_NOT_FOUND


def test_modules_that_make_their_names_as_they_like_are_not_judged(tmp_path):
    write(
        tmp_path,
        {
            "m.py": "def __getattr__(name): ...\n",
            "n.py": "from numpy import *\n",
            "o.py": "from n2 import *\n",
            "n2.py": "def f(a): ...",
        },
    )

    assert read(tmp_path, "m:f").kind is ProblemKind.NOT_READABLE
    assert read(tmp_path, "n:f").kind is ProblemKind.NOT_READABLE
    assert read(tmp_path, "o:f").module == "n2"


def test_the_standard_library_is_flagged(tmp_path):
    stdlib = [Path(entry) for entry in sys.path if entry and Path(entry).is_dir()]

    found = read(tmp_path, "json:loads", sites=stdlib)
    assert (found.is_stdlib, found.arguments[0].name) == (True, "s")
    assert read(tmp_path, "sys:exit", sites=stdlib).is_stdlib
    assert read(tmp_path, "os:system", sites=stdlib).is_stdlib


def test_installed_packages_are_read_where_they_are(tmp_path):
    site = tmp_path / "site"
    write(
        site,
        {
            "lib/__init__.py": "from .core import train\nfrom ._fast import quick\n",
            "lib/core.py": "def train(x, y): ...\n",
            "lib/_fast.so": b"\x7fELF",
        },
    )
    root = tmp_path / "project"
    write(root, {"m.py": "from lib import train\n"})

    assert read(root, "lib:train", sites=[site]).path == site / "lib/core.py"
    assert read(root, "m:train", sites=[site]).module == "lib.core"
    assert read(root, "lib:nothing", sites=[site]).kind is ProblemKind.NOT_READABLE
    assert read(root, "lib:quick", sites=[site]).kind in (
        ProblemKind.NOT_READABLE,
        ProblemKind.MODULE_NOT_FOUND,
    )


def test_what_a_name_stands_for_that_is_not_read_is_told(tmp_path):
    site, root = tmp_path / "site", tmp_path / "project"
    write(
        site,
        {
            "lib/__init__.py": "def __getattr__(name): ...\n",
            "lib/part.py": "",
            "fast/__init__.py": "from ._core import *\n",
            "fast/_core.so": b"\x7fELF",
        },
    )
    write(
        root,
        {
            "m.py": "import lib, lib.part as part, own\nfrom lib import made\nfrom fast import quick\nfrom own import low\n"
            "size = len\n",
            "own/low.py": "",
        },
    )
    told = {
        name: (found.kind, found.message)
        for name in ("lib", "part", "own", "low", "made", "quick", "size")
        for found in [read(root, f"m:{name}", sites=[site])]
    }

    later = "so its arguments cannot be read"
    assert told == {
        "lib": (ProblemKind.NOT_CALLABLE, "'m:lib' is the module 'lib', not a function"),
        "part": (ProblemKind.NOT_CALLABLE, "'m:part' is the module 'lib.part', not a function"),
        "own": (ProblemKind.NOT_CALLABLE, "'m:own' is the module 'own', not a function"),
        "low": (ProblemKind.NOT_CALLABLE, "'m:low' is the module 'own.low', not a function"),
        "made": (ProblemKind.NOT_READABLE, f"'m:made' is 'lib.made', whose source was not found, {later}"),
        "quick": (
            ProblemKind.NOT_READABLE,
            f"'m:quick' is 'fast._core.quick', whose source was not found, {later}",
        ),
        "size": (ProblemKind.NOT_READABLE, f"'m:size' is built into Python, {later}"),
    }


@pytest.mark.parametrize(("package", "kind"), [({}, "folder"), ({"data/__init__.py": ""}, "module")])
def test_a_function_that_is_deeper_in_a_package_is_offered(tmp_path, package, kind):
    write(
        tmp_path,
        {
            **package,
            "data/train.py": "def fit(): ...\n",
            "data/sub/more.py": "fit = 1\n",
            "data/notes.txt": "",
        },
    )

    no_others = "there are no functions there"
    for name, nearest, hint in (
        ("fit", ("data.train:fit",), None),
        ("fitt", (), no_others),
    ):
        assert read(tmp_path, f"data:{name}") == CallableProblem(
            ProblemKind.FUNCTION_NOT_FOUND,
            f"{kind} 'data' has no function '{name}'",
            nearest,
            tmp_path / "data" / "__init__.py" if package else tmp_path / "data",
            hint=hint,
        )


def test_a_module_in_the_project_named_as_one_of_python_is_noted(tmp_path):
    write(tmp_path, {"random.py": "def f(): ..."})

    assert read(tmp_path, "random:f").notes == (
        "Python itself has a module 'random', which may be imported instead of the project's module",
    )


def test_syntax_errors_tell_their_line(tmp_path):
    write(tmp_path, {"m.py": "x = 1\ndef f(:\n"})

    found = read(tmp_path, "m:f")
    assert (found.kind, found.line, found.path) == (ProblemKind.SYNTAX_ERROR, 2, tmp_path / "m.py")
    assert found.message.startswith("module 'm' has a syntax error: ")


@pytest.mark.parametrize(
    "source",
    [
        b"x = " + b"-" * 100_000 + b"1",
        b"x" + b".a" * 100_000,
        b"(" * 100_000,
        b"if a:\n pass\n" + b"elif b:\n pass\n" * 20_000,
        b"x = 1\0",
        b"x = '\xff\xfe'",
        b"# coding: no-such-thing\n",
        b"# coding: rot13\n",
        b"# coding: utf-16\nx = 1\n",
        b"\xff\xfe\x00\x00",
        b"x = " + b"9" * 5000,
        b"#" * (10 << 20),
        b"f" + b"()" * 100_000,
    ],
    ids=lambda source: source[:12],
)
def test_hostile_sources_are_problems(tmp_path, source):
    write(tmp_path, {"m.py": source})

    found = read(tmp_path, "m:f")
    assert isinstance(found, CallableProblem)
    assert found.kind in (ProblemKind.SYNTAX_ERROR, ProblemKind.NOT_READABLE)


@pytest.mark.parametrize(
    "source",
    [
        "def f(x: " + "list[" * 90 + "int" + "]" * 90 + "): ...",
        "def f(x: " + "'" + "list[" * 190 + "]" * 190 + "'): ...",
        "def f(x: " + " | ".join(f"T{i}" for i in range(500)) + "): ...",
        "def f(x=" + "[" * 90 + "]" * 90 + "): ...",
        "f = f",
        "f = g\ng = h\nh = f",
        "from m import f",
        "class A(B): ...\nclass B(A): ...\nf = A.x",
        "class f(f): ...",
        "T = list[T]\ndef f(x: T): ...",
        "\n".join(f"class A{i}(A{i + 1}): ..." for i in range(3000)) + "\nf = A0",
        "from dataclasses import dataclass\n"
        + "\n".join(f"@dataclass\nclass A{i}:\n    x: A{i + 1}" for i in range(1500))
        + "\ndef f(x: A0): ...",
        "def f(x: '\\ud800'): ...",
        "def f(x='\\ud800', y=1e999, z=0x" + "f" * 5000 + "): ...",
        "x = '\\d'\ndef f(): ...",
    ],
    ids=lambda source: source[:24],
)
def test_twisted_sources_get_an_answer(tmp_path, source):
    write(tmp_path, {"m.py": source})

    assert isinstance(read(tmp_path, "m:f"), CallableSource | CallableProblem)


@pytest.mark.filterwarnings("error")
def test_warnings_of_the_parser_neither_show_nor_fail(tmp_path):
    assert signature(tmp_path, "x = '\\d'\ndef f(a): return 1 is 1\n").arguments[0].name == "a"


def test_links_out_of_the_project_are_refused(tmp_path):
    write(
        tmp_path,
        {
            "outside/secret.py": "def f(): ...",
            "project/pyproject.toml": "",
            "project/inner.py": "def f(): ...",
        },
    )
    root = tmp_path / "project"
    (root / "m.py").symlink_to(tmp_path / "outside/secret.py")
    (root / "pkg").symlink_to(tmp_path / "outside")
    (root / "n.py").symlink_to(root / "inner.py")

    assert read(root, "m:f").kind is ProblemKind.REFUSED
    assert read(root, "m:f").message == "module 'm' is a link to a file outside of the project"
    assert read(root, "pkg.secret:f").kind is ProblemKind.REFUSED
    assert isinstance(read(root, "n:f"), CallableSource)


def test_pipes_and_folders_named_as_modules_do_not_hang(tmp_path):
    import os

    os.mkfifo(tmp_path / "m.py")
    (tmp_path / "n.py").mkdir()

    assert read(tmp_path, "m:f").kind is ProblemKind.NOT_READABLE
    assert isinstance(read(tmp_path, "n:f"), CallableProblem)


def test_reading_imports_nothing(tmp_path):
    write(
        tmp_path,
        {
            "m.py": "import sys\nsys.canary = 1\nraise SystemExit\ndef f(a): ...\n",
            "p/__init__.py": "raise SystemExit",
            "p/q.py": "def f(): ...",
        },
    )

    assert read(tmp_path, "m:f").arguments[0].name == "a"
    assert isinstance(read(tmp_path, "p.q:f"), CallableSource)
    assert not hasattr(sys, "canary")


def test_a_thousand_callables_of_a_module_cost_little_beyond_its_parse(tmp_path):
    import ast

    text = "import pandas as pd\n" + "".join(
        f"def f{i}(table: pd.DataFrame, rate: float = 0.1, *, name: str | None = None) -> dict[str, float]:\n    return {{}}\n"
        for i in range(1000)
    )
    write(tmp_path, {"m.py": text})
    files = DiskModules(tmp_path, [])
    began = time.process_time()
    ast.parse(text)
    parse = time.process_time() - began
    began = time.process_time()
    for i in range(1000):
        assert isinstance(read_signature(CallableRef("m", f"f{i}", SPAN), [tmp_path], files), CallableSource)
    took = time.process_time() - began - parse
    print(took)
    assert took < 1.0  # 60 ms on an idle machine

"""What is known about calls, decorators and base classes from outside of the project, by their absolute names.

Their code is not read, so this is a table of words and packages. Unknown code is assumed to do whatever would matter: register
what it is given, change a setting of its library, read docstrings.
"""

from __future__ import annotations

import builtins
import re
import sys
from functools import cache
from typing import Final

__all__ = [
    "changes_outside",
    "decorates_quietly",
    "derives_quietly",
    "draws",
    "is_exposed",
    "keeps_with_base",
    "reads_annotations",
    "reads_docstrings",
    "sets_logging",
]

_BUILTINS: Final = frozenset(dir(builtins))
_SILENT: Final = ("logging.", "warnings.warn")
"""What changes what is said, not what is computed; `print` is of that kind too."""

_LOGS: Final = frozenset(
    {"critical", "debug", "error", "exception", "fatal", "info", "log", "warn", "warning"}
)
_SETS_LOGGER: Final = frozenset(
    {"addFilter", "addHandler", "removeFilter", "removeHandler", "setFormatter", "setLevel"}
)

_CHANGING_WORD: Final = re.compile(
    r"_*(?:"
    r"(?:set|reset|unset|register|unregister|seed|install|uninstall|add|append|insert|extend|remove|pop|push|clear|"
    r"update|enable|disable|init|initiali[sz]e|configure|config|patch|monkeypatch|mock|put|write|delete|load_dotenv|"
    r"load_ext|activate|deactivate|start|stop|connect|subscribe|listen|hook|attach|mount|reload|"
    r"invalidate|manual_seed|simplefilter|filterwarnings|resetwarnings|use|on)(?:_\w*)?"
    r"|set[a-z]\w*|reset[a-z]\w*|chdir|umask|mkdir|makedirs|rename|unlink|rmtree|rmdir|symlink|tzset|putenv|unsetenv|"
    r"dictConfig|fileConfig|basicConfig|listens_for|addaudithook|syspath_\w*"
    r")"
)
"""The last word of a call that changes something; `np.seterr` and `locale.setlocale` are written as one."""

_CHANGING: Final = frozenset(
    [
        "codecs.register",
        "codecs.register_error",
        "copyreg.pickle",
        "copyreg.constructor",
        "decimal.getcontext",
        "decimal.localcontext",
        "faulthandler.dump_traceback_later",
        "gettext.textdomain",
        "locale.setlocale",
        "mimetypes.init",
        "mimetypes.add_type",
        "multiprocessing.set_start_method",
        "next",
        "numpy.seterr",
        "numpy.seterrcall",
        "numpy.random.shuffle",
        "os.environ",
        "os.putenv",
        "pandas.options",
        "polars.Config",
        "signal.signal",
        "site.addsitedir",
        "sys.settrace",
        "sys.setprofile",
        "threading.stack_size",
        "time.tzset",
    ]
)
"""Calls that change something, or hand out what others share, though their last word does not say so."""

_HARMLESS: Final = frozenset(
    [
        "asyncio.run",
        "click.echo",
        "functools.update_wrapper",
        "heapq.heapify",
        "heapq.heappush",
        "sys.exit",
        "sys.stderr.flush",
        "sys.stderr.write",
        "sys.stdout.flush",
        "sys.stdout.write",
        "time.sleep",
    ]
)
"""Calls for their effect alone, which is on what they are given, or on no result."""

_PURE_WORDS: Final = frozenset({"setdiff1d", "setxor1d", "settings", "use_inf_as_na"})

_WELL_KNOWN: Final = frozenset(
    [
        "IPython",
        "PIL",
        "altair",
        "annotated_types",
        "attr",
        "attrs",
        "boto3",
        "botocore",
        "bs4",
        "catboost",
        "cattrs",
        "certifi",
        "click",
        "cv2",
        "dask",
        "datasets",
        "dateutil",
        "duckdb",
        "fsspec",
        "geopandas",
        "google",
        "h5py",
        "httpx",
        "hypothesis",
        "ibis",
        "jax",
        "joblib",
        "jsonschema",
        "lightgbm",
        "lxml",
        "matplotlib",
        "mlflow",
        "msgspec",
        "narwhals",
        "networkx",
        "nltk",
        "numba",
        "numexpr",
        "numpy",
        "omegaconf",
        "openai",
        "openpyxl",
        "orjson",
        "packaging",
        "pandas",
        "pandera",
        "patsy",
        "plotly",
        "polars",
        "psycopg",
        "pyarrow",
        "pydantic",
        "pydantic_settings",
        "pytest",
        "pytz",
        "requests",
        "rich",
        "scipy",
        "seaborn",
        "shapely",
        "simplejson",
        "skimage",
        "sklearn",
        "spacy",
        "sqlalchemy",
        "statsmodels",
        "structlog",
        "sympy",
        "tenacity",
        "tensorflow",
        "tiktoken",
        "tokenizers",
        "toml",
        "tomli",
        "tomllib",
        "torch",
        "torchaudio",
        "torchvision",
        "tqdm",
        "transformers",
        "typeguard",
        "typer",
        "typing_extensions",
        "ujson",
        "urllib3",
        "wrapt",
        "xarray",
        "xgboost",
        "yaml",
        "beartype",
        "cachetools",
        "deprecated",
        "more_itertools",
        "toolz",
    ]
)
"""Packages of which a call changes nothing where its last word does not say so."""

_QUIET_BASES: Final = frozenset(
    [
        "attr",
        "attrs",
        "annotated_types",
        "beartype",
        "dask",
        "httpx",
        "jax",
        "joblib",
        "lightgbm",
        "msgspec",
        "numba",
        "numpy",
        "pandas",
        "polars",
        "pyarrow",
        "pydantic",
        "pydantic_settings",
        "requests",
        "rich",
        "scipy",
        "sklearn",
        "tensorflow",
        "torch",
        "torchvision",
        "transformers",
        "typing_extensions",
        "xgboost",
        "omegaconf",
        "click",
        "typer",
        "catboost",
        "datasets",
        "matplotlib",
        "urllib3",
        "werkzeug",
        "jinja2",
        "packaging",
    ]
)
"""Packages whose classes keep no list of those that derive from them."""

_LISTING_BASES: Final = frozenset({"sqlalchemy", "sqlmodel", "peewee", "pony"})
"""Packages that keep the list of what derives from a class with that class of the project."""

_NO_DOCSTRINGS: Final = frozenset(
    [
        "PIL",
        "attr",
        "attrs",
        "beartype",
        "cachetools",
        "catboost",
        "cattrs",
        "dask",
        "dateutil",
        "deprecated",
        "duckdb",
        "h5py",
        "hypothesis",
        "jax",
        "joblib",
        "lightgbm",
        "matplotlib",
        "mlflow",
        "more_itertools",
        "msgspec",
        "networkx",
        "numba",
        "numexpr",
        "numpy",
        "orjson",
        "pandas",
        "patsy",
        "plotly",
        "polars",
        "pyarrow",
        "pytest",
        "requests",
        "scipy",
        "seaborn",
        "sklearn",
        "sqlalchemy",
        "statsmodels",
        "structlog",
        "sympy",
        "tenacity",
        "tensorflow",
        "toolz",
        "torch",
        "torchvision",
        "tqdm",
        "typeguard",
        "typing_extensions",
        "wrapt",
        "xarray",
        "xgboost",
        "yaml",
    ]
)
"""Packages that do not make anything of the docstrings of what they are given."""

_ANNOTATION_READERS: Final = frozenset(
    {"attr", "attrs", "beartype", "cattrs", "msgspec", "pytest", "typeguard"}
)
"""Of these packages, those that make something of annotations."""

_EXPOSED: Final = frozenset(
    {"os.environ", "os.environb", "sys.path", "sys.modules", "sys.meta_path", "sys.path_hooks"}
)
_SETTINGS: Final = frozenset({"options", "rcParams", "config", "conf", "settings"})


@cache
def changes_outside(dotted: str, *, taken: bool, in_body: bool = False) -> bool:
    """Return whether a call changes something outside of the project.

    `taken` says that its result is used: a call for nothing but its effect has one. `in_body` calls are made by
    something that runs at import, or in a class: of a package that is not known they are taken to only make a value.
    """
    parts = [part for part in dotted.split(".") if part != "[]"]
    last = parts[-1]
    if len(parts) == 1 and last in _BUILTINS:
        return last == "open" and not taken
    if dotted in _HARMLESS or dotted.startswith(_SILENT):
        return False
    if not taken or ".".join(parts) in _CHANGING or draws(dotted) or dotted.startswith("unittest.mock.patch"):
        return True
    if last[:1].isupper():
        return False
    if _CHANGING_WORD.fullmatch(last) and last not in _PURE_WORDS:
        return True
    return not (in_body or _is_standard(parts[0]) or parts[0] in _WELL_KNOWN)


def sets_logging(dotted: str) -> bool:
    """Return whether a call for nothing but its effect changes what is logged, and where to: by `logging`, or a method of a logger."""
    top, _, _ = dotted.partition(".")
    last = dotted.rpartition(".")[2]
    return (top == "logging" and last not in _LOGS) or last in _SETS_LOGGER


@cache
def draws(dotted: str) -> bool:
    """Return whether a call takes the next number of a generator that all code shares."""
    head, _, last = dotted.rpartition(".")
    if last[:1].isupper() or last == "default_rng":
        return False
    return head in ("random", "numpy.random") or (
        head == "torch" and last.startswith(("rand", "normal", "bernoulli"))
    )


def decorates_quietly(dotted: str) -> bool:
    """Return whether a decorator only wraps what it is given, and keeps it nowhere."""
    top, last = dotted.partition(".")[0], dotted.replace(".[]", "").rpartition(".")[2]
    if "." not in dotted:
        return True  # a built-in
    if _CHANGING_WORD.fullmatch(last) or dotted in _CHANGING:
        return False
    return _is_standard(top) or top in _WELL_KNOWN


def derives_quietly(dotted: str) -> bool:
    """Return whether a base class or metaclass keeps no list of what derives from it."""
    top = dotted.partition(".")[0]
    is_exception = dotted.endswith(("Error", "Exception", "Warning"))
    return is_exception or "." not in dotted or _is_standard(top) or top in _QUIET_BASES


def keeps_with_base(dotted: str) -> bool:
    """Return whether the list of what derives from a base is with the project's class that derives from it first."""
    return dotted.partition(".")[0] in _LISTING_BASES


def reads_docstrings(dotted: str) -> bool:
    """Return whether something from outside may read the docstrings of what it is given."""
    top = dotted.partition(".")[0]
    return "." in dotted and not _is_standard(top) and top not in _NO_DOCSTRINGS


def reads_annotations(dotted: str) -> bool:
    """Return whether something from outside may read the annotations of a function that it is given."""
    return reads_docstrings(dotted) or dotted.partition(".")[0] in _ANNOTATION_READERS


def is_exposed(dotted: str) -> bool:
    """Return whether a name stands for something that all code shares and can change: `os.environ`, `pd.options`."""
    return dotted in _EXPOSED or dotted.rpartition(".")[2] in _SETTINGS


def _is_standard(top: str) -> bool:
    return top in sys.stdlib_module_names

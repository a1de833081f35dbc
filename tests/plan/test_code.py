import itertools
import textwrap
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipespec.errors import Span
from pipespec.plan.code import code_facts
from pipespec.plan.model import CodeFacts
from pipespec.project.disk_modules import DiskModules
from pipespec.spec.model import CallableRef

SPAN = Span("pipeline.yaml", 1, 1, 1, 2)


def write(root: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(content), encoding="utf-8", errors="surrogatepass")


def facts(root: Path, call: str = "m:f", *, sites: list[Path] | None = None, files: DiskModules | None = None) -> CodeFacts:
    module, _, qualname = call.partition(":")
    return code_facts(CallableRef(module, qualname, SPAN), [root], files or DiskModules(root, sites or []))


@pytest.fixture
def reads(tmp_path):
    """Read the facts of `m:f`, each time of a project made anew of these files."""
    counter = itertools.count()

    def read(files: dict[str, str] | str, call: str = "m:f") -> CodeFacts:
        root = tmp_path / str(next(counter))
        write(root, {"m.py": files} if isinstance(files, str) else files)
        return facts(root, call)

    return read


PROJECT = {
    name: textwrap.dedent(content)
    for name, content in {
    "news/__init__.py": "",
    "news/articles.py": '''
        """Fetch articles."""
        import pandas as pd
        from . import text
        from .text import clean as tidy
        import news.words as words

        LIMIT = 10
        OTHER = 11

        def fetch_ids(query, limit: int = LIMIT) -> pd.DataFrame:
            """Fetch them."""
            rows = [tidy(row) for row in run(query)][:limit]  # the first ones
            return pd.DataFrame(text.strip(rows, words.STOP))

        def run(query: str):
            return query.split()

        def unrelated(x):
            return OTHER + x
    ''',
    "news/text.py": """
        def clean(x):
            return x.strip()

        def strip(rows, stop):
            return [row for row in rows if row not in stop]

        def unrelated():
            return 1
    """,
    "news/words.py": """
        STOP = {"a"}
        STOP.add("the")
        OTHER = []
        OTHER.append(1)
    """,
    }.items()
}


def edited(name: str, old: str, new: str) -> dict[str, str]:
    assert old in PROJECT[name], old
    return {**PROJECT, name: PROJECT[name].replace(old, new)}


def test_counts_what_is_reached_and_no_more(tmp_path):
    write(tmp_path, PROJECT)

    found = facts(tmp_path, "news.articles:fetch_ids")
    assert list(found.counted) == [
        "news.articles:LIMIT",
        "news.articles:fetch_ids",
        "news.articles:fetch_ids annotations",
        "news.articles:run",
        "news.text:clean",
        "news.text:strip",
        "news.words:STOP",
    ]
    assert found.files == tuple(
        str(tmp_path / "news" / name) for name in ("__init__.py", "articles.py", "text.py", "words.py")
    )
    assert (found.imports, found.package, found.notes) == (("pandas",), None, ())


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("news/articles.py", "# the first ones", "# some"),
        ("news/articles.py", '"""Fetch them."""', '"""Fetch\n\n    all."""'),
        ("news/articles.py", '"""Fetch them."""', ""),
        ("news/articles.py", '"""Fetch articles."""', ""),
        ("news/articles.py", "return query.split()", "return (query\n    .split())"),
        ("news/articles.py", "LIMIT = 10", "LIMIT = 1_0"),
        ("news/articles.py", "LIMIT = 10", "LIMIT = 0xA"),
        ("news/articles.py", "LIMIT = 10", "LIMIT: int = 10"),
        ("news/articles.py", "OTHER = 11", "OTHER = 12"),
        ("news/articles.py", "return OTHER + x", "return OTHER - x"),
        ("news/articles.py", "def run(query: str):", "def run(query: str | None) -> list:"),
        ("news/articles.py", "return query.split()", "pass\n    return query.split()"),
        ("news/articles.py", "def unrelated(x)", "if __name__ == '__main__':\n    fetch_ids(1)\ndef unrelated(x)"),
        ("news/text.py", "return 1", "return 2"),
        ("news/words.py", '{"a"}', "{'a'}"),
        ("news/words.py", '{"a"}', '{u"a"}'),
        ("news/words.py", "OTHER.append(1)", "OTHER.append(2)"),
        ("news/words.py", "OTHER = []", "import os\nOTHER = []"),
        ("news/words.py", "OTHER = []", "print('hello')\nOTHER = []"),
    ],
)
def test_an_edit_that_changes_nothing_keeps_the_digest(reads, name, old, new):
    before, after = reads(PROJECT, "news.articles:fetch_ids"), reads(edited(name, old, new), "news.articles:fetch_ids")

    assert after.counted == before.counted
    assert after.digest == before.digest


@pytest.mark.parametrize(
    ("name", "old", "new", "changed"),
    [
        ("news/articles.py", "[:limit]", "[:limit - 1]", "news.articles:fetch_ids"),
        ("news/articles.py", "rows", "lines", "news.articles:fetch_ids"),
        ("news/articles.py", "LIMIT = 10", "LIMIT = 10.0", "news.articles:LIMIT"),
        ("news/articles.py", "LIMIT = 10", "LIMIT = '10'", "news.articles:LIMIT"),
        ("news/articles.py", "LIMIT = 10", "LIMIT = 10\nLIMIT += 1", "news.articles:LIMIT"),
        ("news/articles.py", "limit: int = LIMIT", "limit: float = LIMIT", "news.articles:fetch_ids annotations"),
        ("news/articles.py", "-> pd.DataFrame", "-> dict", "news.articles:fetch_ids annotations"),
        ("news/articles.py", "import pandas as pd", "import polars as pd", "news.articles:fetch_ids"),
        ("news/articles.py", "query.split()", "query.split(' ')", "news.articles:run"),
        ("news/text.py", "x.strip()", "x.lstrip()", "news.text:clean"),
        ("news/text.py", "not in stop", "in stop", "news.text:strip"),
        ("news/words.py", 'STOP.add("the")', 'STOP.add("an")', "news.words:STOP"),
        ("news/words.py", 'STOP.add("the")', "", "news.words:STOP"),
        ("news/words.py", "OTHER = []", 'OTHER = STOP.pop()', "news.words:OTHER"),
        ("news/words.py", "OTHER = []", "for x in 'ab':\n    STOP.add(x)\nOTHER = []", "news.words:x"),
        ("news/words.py", "OTHER = []", "import random\nrandom.seed(1)\nOTHER = []", "news.words:<import>"),
        ("news/__init__.py", "", "import os\nos.environ['A'] = '1'\n", "news:<import>"),
        ("news/text.py", "def unrelated", "from .words import STOP\nSTOP.clear()\n\ndef unrelated", "news.text:<import>"),
    ],
)
def test_an_edit_that_matters_changes_the_digest_and_shows_where(reads, name, old, new, changed):
    before = reads(PROJECT, "news.articles:fetch_ids")
    after = reads(edited(name, old, new), "news.articles:fetch_ids")

    differing = {key for key in before.counted.keys() | after.counted.keys() if before.counted.get(key) != after.counted.get(key)}
    assert changed in differing
    assert after.digest != before.digest

"""What commands remember: never another answer than without it, never believed where a stranger may have written it."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import random
import shutil
import sqlite3
import sys
import textwrap
from pathlib import Path

import pytest

from pipespec import api
from pipespec.errors import InvalidPipelineError, UsageError
from pipespec.project import signed_memos
from pipespec.project.signed_memos import SignedMemos
from pipespec.tracking.writing.new_store import make_store

pytestmark = pytest.mark.usefixtures("forked_templates")

PIPELINE = """\
pipespec: 1
name: kept
include: [shared.yaml]
params: {count: "${env:COUNT, 3}", word: "${file:word.txt}", step: 1}
params_schema: params.schema.json
steps:
  numbers:
    call: steps:numbers
    inputs: {table: {file: data/table.csv}}
    params: {count: "${params.count}", word: "${params.word}", step: "${params.step}"}
    outputs: {numbers: numbers.json}
  joined:
    call: steps:joined
    inputs: {numbers: numbers, parts: {dir: data/parts}, more: {files: "data/more/*.txt"}}
    params: {sign: "${params.sign}"}
    outputs: {joined: {file: joined.json, schema: joined.schema.json}}
    metrics: joined
  scripted:
    call: pipespec.steps:script
    params: {script: tell.py, word: "${params.word}"}
    outputs: {told: told.txt}
  ordered:
    call: pipespec.steps:command
    params: {command: [sh, -c, 'cat "$1" > "$0" 2>&1; true', "{outputs.out}", order.cfg]}
    outputs: {out: out.txt}
"""

STEPS = """\
from pathlib import Path

import helper

try:
    import settings_local
except ImportError:
    settings_local = None


def numbers(table: Path, count: int, word: str, step: int) -> list:
    return [table.read_text(), count, word, step, helper.value(), Path("extra.txt").read_text()]


def joined(numbers: list, parts: Path, more: list[Path], sign: str) -> dict:
    return {"length": len(numbers), "sign": sign, "parts": len(list(parts.iterdir())), "local": settings_local is not None}
"""

FILES = {
    "pyproject.toml": "",
    "pipeline.yaml": PIPELINE,
    "shared.yaml": 'params: {sign: "+"}\n',
    "over.yaml": "params: {step: 1}\n",
    "word.txt": "one",
    "params.schema.json": '{"required": ["count"], "minProperties": 1}',
    "joined.schema.json": '{"$ref": "types.json#/$defs/joined"}',
    "types.json": '{"$defs": {"joined": {"type": "object"}}}',
    "extra.txt": "extra",
    "steps.py": STEPS,
    "helper.py": "def value():\n    return 1\n",
    "tell.py": "import sys\n\nopen(sys.argv[sys.argv.index('--told') + 1], 'w').write('1')\n",
    "other/helper.py": "def value():\n    return 1\n",
    "data/table.csv": "a\n1\n",
    "data/parts/a.txt": "a",
    "data/parts/b.txt": "b",
    "data/more/a.txt": "a",
}

TEXTS = {
    "param": ("pipeline.yaml", "step: 1}", "step: 2}"),
    "include": ("shared.yaml", '"+"', '"-"'),
    "overlay": ("over.yaml", "step: 1", "step: 3"),
    "comment in the pipeline": ("pipeline.yaml", "name: kept", "name: kept # so"),
    "another name": ("pipeline.yaml", "name: kept", "name: held"),
    "mistake": ("pipeline.yaml", "  joined:\n", "  joined:\n    cal: x\n"),
    "text of a file": ("word.txt", "one", "two"),
    "input": ("data/table.csv", "1", "2"),
    "one file of a folder": ("data/parts/b.txt", "b", "c"),
    "one file of a pattern": ("data/more/a.txt", "a", "b"),
    "helper": ("helper.py", "return 1", "return 2"),
    "schema": ("joined.schema.json", '{"$ref', '{"title": "T", "$ref'),
    "schema that another refers to": ("types.json", '"object"', '["object", "null"]'),
    "schema that nothing fits": ("joined.schema.json", 'joined"', 'joined", "not": {}'),
    "schema that is none": ("params.schema.json", ": 1}", ": -1}"),
    "schema of params": ("params.schema.json", "count", "cuont"),
    "comment in code": ("helper.py", "return 1", "return 1  # so"),
    "function": ("steps.py", "helper.value(), Path", "-helper.value(), Path"),
    "script of a step": ("tell.py", "write('1')", "write('2')"),
    "file that no input names": ("extra.txt", "extra", "other"),
}
"""Edits that keep a file's time, some its size, too."""

APPEARING = {
    "module": ("settings_local.py", "X = 1\n"),
    "file that a command names": ("order.cfg", "a"),
    "file of a folder": ("data/parts/c.txt", "c"),
    "file of a pattern": ("data/more/b.txt", "b"),
    "package in the place of a module": ("helper/__init__.py", "def value():\n    return 3\n"),
    "result that waits for the store": (".pipespec/unpublished/x/publication.json", "{"),
}
GONE = (
    "data/table.csv",
    "helper.py",
    "tell.py",
    "word.txt",
    "data/parts",
    "extra.txt",
    "shared.yaml",
    "types.json",
)


class World:
    """A project, and ways to change it that can each be taken back."""

    def __init__(self, folder: Path, empty_store: Path, monkeypatch) -> None:
        self.folder, self.monkeypatch = folder, monkeypatch
        for name, text in FILES.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        monkeypatch.chdir(folder)
        monkeypatch.delenv("COUNT", raising=False)
        shutil.copy(empty_store, folder / "mlflow.db")
        self.changed: set[str] = set()
        self.ways = (
            *(f"edit: {what}" for what in TEXTS),
            *(f"appears: {what}" for what in APPEARING),
            *(f"gone: {name}" for name in GONE),
            *("touch", "environment", "link", "artifact", "manifest", "run deleted", "run failed"),
        )

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def flip(self, way: str) -> None:
        """Change one thing, or take that change back."""
        on = way not in self.changed
        self.changed ^= {way}
        kind, _, what = way.partition(": ")
        match kind:
            case "edit":
                self._rewrite(*TEXTS[what], on=on)
            case "appears":
                name, text = APPEARING[what]
                path = self.folder / name
                if on:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text(text)
                elif path.parent.name in ("helper", "x"):
                    shutil.rmtree(path.parent)
                else:
                    path.unlink()
            case "gone":
                self._move(self.folder / what, on=on)
            case "touch":
                for name in ("pipeline.yaml", "helper.py", "data/table.csv"):
                    with contextlib.suppress(FileNotFoundError):
                        os.utime(self.folder / name)
            case "environment":
                self.monkeypatch.setenv("COUNT", "4") if on else self.monkeypatch.delenv("COUNT")
            case "link":
                self._link(on=on)
            case "artifact" | "manifest":
                name = "joined.json" if kind == "artifact" else "pipespec/step.json"
                there = name if on else f"{name}.away"
                paths = sorted((self.folder / "mlartifacts").glob(f"*/*/artifacts/{there}"))
                assert paths
                for path in paths:
                    self._move(path.with_name(path.name.removesuffix(".away")), on=on)
            case "run deleted":
                self._in_store("lifecycle_stage", *(("active", "deleted") if on else ("deleted", "active")))
            case "run failed":
                self._in_store("status", *(("FINISHED", "FAILED") if on else ("FAILED", "FINISHED")))

    def _rewrite(self, name: str, old: str, new: str, *, on: bool) -> None:
        path = next(one for one in (self.folder / name, self.folder / f"{name}.away") if one.exists())
        if path.is_symlink():
            return
        status = path.stat()
        text = path.read_text()
        path.write_text(text.replace(old, new) if on else text.replace(new, old))
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    def _move(self, path: Path, *, on: bool) -> None:
        away = path.with_name(f"{path.name}.away")
        with contextlib.suppress(FileNotFoundError):
            path.rename(away) if on else away.rename(path)

    def _link(self, *, on: bool) -> None:
        """Let a link lead to the same text elsewhere in the project."""
        path, kept = self.folder / "helper.py", self.folder / "helper.kept"
        with contextlib.suppress(FileNotFoundError, FileExistsError):
            if on:
                path.rename(kept)
                path.symlink_to("other/helper.py")
            elif path.is_symlink():
                kept.replace(path)

    def _in_store(self, column: str, old: str, new: str) -> None:
        with contextlib.closing(sqlite3.connect(self.folder / "mlflow.db")) as db, db:
            db.execute(f"UPDATE runs SET {column}=? WHERE {column}=?", (new, old))


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory):
    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    make_store(path)
    return path


@pytest.fixture
def world(tmp_path, empty_store, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    signed_memos._signing_key.cache_clear()
    yield World(tmp_path / "project", empty_store, monkeypatch)
    signed_memos._signing_key.cache_clear()


def load():
    return api.load("pipeline.yaml", overlays=["over.yaml"])


def told(report):
    return (
        None
        if report is None
        else [(one.step, one.state.value, one.key, one.run_id, one.seconds) for one in report.steps]
    )


def recalled():
    return told(api.remembered_run("pipeline.yaml", overlays=["over.yaml"]))


def planned():
    """What a plan says that knows nothing from before: None where something is to do, or wrong."""
    try:
        plan = load().plan()
    except (InvalidPipelineError, UsageError):
        return None
    unpublished = Path(".pipespec/unpublished")
    if not plan.is_complete or (unpublished.is_dir() and any(unpublished.iterdir())):
        return None
    return [
        (step, "reused", one.key.hex, one.record.run_id, one.record.seconds)
        for step, one in plan.decisions.items()
    ]


def found():
    """What `validate` finds, and what it finds that has nothing from before."""
    with_memos = api.validate(["pipeline.yaml"], overlays=["over.yaml"])
    kept = Path(".pipespec/memos")
    aside = kept.rename(".pipespec/aside") if kept.is_dir() else None
    anew = api.validate(["pipeline.yaml"], overlays=["over.yaml"])
    if aside is not None:
        shutil.rmtree(kept, ignore_errors=True)
        aside.rename(kept)
    return with_memos.diagnostics, anew.diagnostics


@pytest.mark.slow
def test_whatever_is_changed_between_two_commands_the_answer_is_that_without_memos(world):
    assert load().run().succeeded
    for way in world.ways:  # a change alone has a result of its own, where there can be one
        world.flip(way)
        if planned() is None and not way.startswith(
            ("gone", "run", "appears: result", "edit: mistake", "edit: schema th")
        ):
            with contextlib.suppress(InvalidPipelineError, UsageError):
                load().run()
        world.flip(way)

    chance = random.Random(1)
    known = 0
    for _ in range(240):
        back = sorted(world.changed)
        world.flip(chance.choice(back) if back and chance.random() < 0.6 else chance.choice(world.ways))
        expected = planned()
        answer = recalled()
        assert answer in (None, expected), (sorted(world.changed), answer, expected)
        with_memos, anew = found()
        assert with_memos == anew, sorted(world.changed)
        if expected is not None:
            assert told(load().run()) == expected
            assert recalled() == expected, sorted(world.changed)
            known += 1
    assert known > 40


def test_that_nothing_is_to_do_is_known_after_a_run_that_executed_steps(world):
    assert recalled() is None

    load().run()

    assert recalled() == planned()
    assert recalled() is not None


def test_that_nothing_is_to_do_is_known_after_a_run_that_found_it(world):
    load().run()
    shutil.rmtree(world.folder / ".pipespec/memos")

    load().run()

    assert recalled() == planned()
    assert recalled() is not None


def test_a_run_that_failed_leaves_nothing(world):
    world.write("steps.py", STEPS.replace("length", 'length": 1 / 0, "x'))
    assert not load().run(keep_going=True, check=False).succeeded

    assert recalled() is None
    assert not (world.folder / ".pipespec/memos").exists()


@pytest.mark.parametrize("targets", [("numbers",), ("joined",), ("numbers", "joined"), ("nu*",)])
def test_targets_are_part_of_the_question(world, targets):
    load().run()

    known = api.remembered_run("pipeline.yaml", *targets, overlays=["over.yaml"])

    assert known is None
    load().run(*targets)
    again = api.remembered_run("pipeline.yaml", *targets, overlays=["over.yaml"])
    steps = ["numbers"] if targets in (("numbers",), ("nu*",)) else ["numbers", "joined"]
    assert [step.step for step in again.steps] == steps


@pytest.mark.parametrize(
    ("overlays", "overrides"), [([], []), (["over.yaml"], ["params.step=4"]), (["over.yaml"] * 2, [])]
)
def test_layers_are_part_of_the_question(world, overlays, overrides):
    load().run()

    assert api.remembered_run("pipeline.yaml", overlays=overlays, overrides=overrides) is None


def test_a_pipeline_that_is_not_trusted_says_nothing_to_one_that_is(world):
    world.flip("environment")
    api.load("pipeline.yaml", overlays=["over.yaml"], trusted=False).run()
    api.load("pipeline.yaml", overlays=["over.yaml"], trusted=False).run()

    assert recalled() is None


# ------------------------------------------------------------------------------- a folder by other hands


def memo_files(world):
    return sorted((world.folder / ".pipespec/memos").iterdir())


@pytest.fixture
def kept(world):
    """A project of which it is known that it is complete and valid."""
    load().run()
    load().run()
    api.validate(["pipeline.yaml"], overlays=["over.yaml"])
    assert len(memo_files(world)) == 2
    return world


def lie(content: bytes) -> bytes:
    """Change what a memo says, and leave its signature."""
    signature, _, body = content.partition(b"\n")
    answer = json.loads(body)
    answer["sources"] = {"files": [], "missing": [], "folders": [], "environment": {}}
    answer["inputs"] = []
    return signature + b"\n" + json.dumps(answer, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lie, id="another text"),
        pytest.param(lambda content: content[:-1], id="cut by one byte"),
        pytest.param(lambda content: content[: len(content) // 2], id="cut in half"),
        pytest.param(lambda content: content[:64], id="only a signature"),
        pytest.param(lambda content: b"", id="empty"),
        pytest.param(lambda content: content + b" ", id="longer"),
        pytest.param(lambda content: b"\xff" * len(content), id="no text"),
        pytest.param(lambda content: b"0" * 64 + content[64:], id="another signature"),
    ],
)
def test_a_memo_that_was_changed_says_nothing(kept, change):
    for file in memo_files(kept):
        file.write_bytes(change(file.read_bytes()))
    kept.flip("edit: mistake")

    assert recalled() is None
    with_memos, anew = found()
    assert with_memos == anew != ()


def test_a_memo_of_another_question_says_nothing(kept):
    one, other = memo_files(kept)
    content = one.read_bytes(), other.read_bytes()
    one.write_bytes(content[1])
    other.write_bytes(content[0])

    assert recalled() is None


def test_a_memo_of_another_user_or_machine_says_nothing(kept, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "another"))
    signed_memos._signing_key.cache_clear()

    assert recalled() is None


def test_a_project_that_was_copied_is_not_known(kept, tmp_path, monkeypatch):
    shutil.copytree(kept.folder, tmp_path / "copy", symlinks=True)
    monkeypatch.chdir(tmp_path / "copy")

    assert recalled() is None


@pytest.mark.parametrize("kind", ["folder", "pipe", "link to itself", "link to a memo"])
def test_what_is_no_file_in_the_place_of_a_memo_says_nothing(kept, tmp_path, kind):
    for number, file in enumerate(memo_files(kept)):
        content = file.read_bytes()
        file.unlink()
        match kind:
            case "folder":
                file.mkdir()
            case "pipe":
                os.mkfifo(file)
            case "link to itself":
                file.symlink_to(file)
            case _:
                (tmp_path / f"memo{number}").write_bytes(content)
                file.symlink_to(tmp_path / f"memo{number}")

    assert recalled() is None
    with_memos, anew = found()
    assert with_memos == anew


@pytest.mark.parametrize("place", [".pipespec", ".pipespec/memos"])
def test_nothing_is_written_where_a_link_of_the_project_leads(world, tmp_path, place):
    outside = tmp_path / "outside"
    outside.mkdir()
    link = world.folder / place
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(outside)

    api.validate(["pipeline.yaml"])

    assert [path.name for path in outside.rglob("*") if path.name != ".gitignore"] == []


def test_a_key_that_others_can_read_signs_nothing(world, tmp_path):
    load().run()
    load().run()
    (tmp_path / "cache/pipespec/memo.key").chmod(0o644)
    signed_memos._signing_key.cache_clear()

    assert recalled() is None


def test_the_values_of_the_environment_stand_in_no_memo(world):
    world.monkeypatch.setenv("COUNT", "31415926")
    load().run()
    load().run()
    assert recalled() is not None

    texts = [file.read_text() for file in memo_files(world)]

    assert ["31415926" in text for text in texts] == [False]


def test_nothing_with_a_password_is_kept(world):
    memos = SignedMemos(world.folder)

    memos.keep("with", {"store": "http://user:hunter2@host/"})
    memos.keep("without", {"store": "http://user@host/"})

    assert (memos.recall("with"), memos.recall("without")) == (None, {"store": "http://user@host/"})
    assert len(memo_files(world)) == 1


def test_a_folder_that_cannot_be_written_keeps_nothing_and_stops_nothing(world, monkeypatch):
    def full(*_args, **_more):
        raise OSError(28, "No space left on device")

    load().run()
    shutil.rmtree(world.folder / ".pipespec/memos")
    monkeypatch.setattr(Path, "write_bytes", full)

    assert load().run().succeeded
    found = api.validate(["pipeline.yaml"], overlays=["over.yaml"]).diagnostics
    assert [one.code for one in found] == ["hidden-input"]  # the step reads 'extra.txt' by itself
    assert recalled() is None
    assert [path.name for path in (world.folder / ".pipespec").rglob("*.new")] == []


def test_only_the_newest_memos_are_kept(world, monkeypatch):
    monkeypatch.setattr(signed_memos, "_MOST", 3)
    memos = SignedMemos(world.folder)
    for number in range(6):
        memos.keep(f"question {number}", number)
        os.utime(memos._file(f"question {number}"), (number, number))

    memos.keep("the last one", "answer")

    assert [memos.recall(f"question {number}") for number in range(6)] == [None, None, None, None, 4, 5]
    assert memos.recall("the last one") == "answer"


def test_another_python_or_version_asks_anew(kept, monkeypatch):
    monkeypatch.setattr(sys, "version", "3.99.0")
    signed_memos._maker.cache_clear()

    assert recalled() is None
    signed_memos._maker.cache_clear()


# ----------------------------------------------------------------------------------------------- calls


def calls_of(function):
    """Count the calls of the operating system for files that a function makes, and the statements for a database."""
    counts = {"stat": 0, "open": 0, "list": 0, "execute": 0}
    names = {
        "stat": "stat",
        "lstat": "stat",
        "open": "open",
        "scandir": "list",
        "listdir": "list",
        "execute": "execute",
    }

    def look(_frame, event, called):
        if event == "c_call" and (kind := names.get(getattr(called, "__name__", ""))):
            counts[kind] += 1

    gc.collect()
    gc.disable()  # what others left behind may open files when it is collected
    sys.setprofile(look)
    try:
        function()
    finally:
        sys.setprofile(None)
        gc.enable()
    return counts


def many(count):
    steps = "".join(
        f"  s{i}: {{call: 'steps:one', params: {{x: {i}}}, outputs: {{out: out.json}}}}\n"
        for i in range(count)
    )
    Path("many.yaml").write_text(f"pipespec: 1\nname: many{count}\nsteps:\n{steps}")
    Path("steps.py").write_text(
        textwrap.dedent("""
        def one(x: int) -> int:
            return x
        """)
    )


def test_a_run_with_nothing_to_do_asks_for_each_record_once_and_looks_at_each_file_once(world):
    counts = []
    for count in (5, 15):
        many(count)
        api.load("many.yaml").run()
        api.load("many.yaml").run()
        assert api.remembered_run("many.yaml") is not None
        counts.append(calls_of(lambda: api.remembered_run("many.yaml")))

    more = {kind: counts[1][kind] - counts[0][kind] for kind in counts[0]}
    assert more == {
        "stat": 20,
        "open": 0,
        "list": 0,
        "execute": 0,
    }  # of each step the manifest and the output

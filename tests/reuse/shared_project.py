"""Many edits in one project: each has names of modules that are its own, and is a step of one pipeline.

One run, one plan and one forced run then judge them all.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from edits import Edit


@dataclass(frozen=True)
class Placed:
    """An edit as a step: files by path below the common folder, in which `project` and what is `outside` stand."""

    step: str
    about: str
    keeps: bool
    call: str
    params: str
    before: dict[str, str]
    after: dict[str, str]


def placed(edits: Iterable[Edit]) -> list[Placed]:
    return [_placed(f"s{number}", edit) for number, edit in enumerate(edits)]


def outside_folders(edits: Iterable[Edit]) -> list[str]:
    return sorted({folder for edit in edits for folder in edit.outside})


def pipeline(steps: Iterable[Placed]) -> str:
    lines = ["pipespec: 1", "name: reuse", "steps:"]
    for step in steps:
        lines += [
            f"  {step.step}:",
            f"    call: {step.call}",
            f"    params: {step.params}",
            "    outputs: {out: out.pkl}",
        ]
    return "\n".join(lines) + "\n"


def write(root: Path, steps: Iterable[Placed], when: str) -> None:
    """Write all files as they are `before` or `after` the edits; what an edit took away goes."""
    for step in steps:
        texts = getattr(step, when)
        for name in {*step.before, *step.after} - set(texts):
            (root / name).unlink(missing_ok=True)
        for name, text in texts.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                path.write_text(text, encoding="utf-8")


def _placed(step: str, edit: Edit) -> Placed:
    before, after = edit.before(), edit.after()
    own = {_top(name, edit.outside) for name in (*before, *after)}
    words = re.compile(rf"\b({'|'.join(sorted(own))})\b")

    def renamed(text: str) -> str:
        return words.sub(rf"{step}_\1", text)

    def moved(name: str) -> str:
        folder, rest = _folder(name, edit.outside)
        return f"{folder}/{step}_{rest}"

    return Placed(
        step,
        edit.about,
        edit.keeps,
        f"{step}_{edit.call}",
        json.dumps(_values(edit.params, renamed)),
        {moved(name): renamed(text) for name, text in before.items()},
        {moved(name): renamed(text) for name, text in after.items()},
    )


def _values(value: object, renamed) -> object:
    if isinstance(value, str):
        return renamed(value)
    if isinstance(value, list):
        return [_values(each, renamed) for each in value]
    return {key: _values(each, renamed) for key, each in value.items()} if isinstance(value, dict) else value


def _folder(name: str, outside: tuple[str, ...]) -> tuple[str, str]:
    first, _, rest = name.partition("/")
    return (first, rest) if first in outside else ("project", name)


def _top(name: str, outside: tuple[str, ...]) -> str:
    return _folder(name, outside)[1].partition("/")[0].partition(".")[0]

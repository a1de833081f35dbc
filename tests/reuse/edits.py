"""What an edit is: a project in a few files, a function of it, and what is changed."""

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Edit:
    """`files` hold a project, `change` maps files to (old, new) in their text, to a new text, or to None.

    `keeps` says that the result stays and the key must too. `outside` are folders below the project's that stand on
    the path of modules like `PYTHONPATH`.
    """

    about: str
    files: Mapping[str, str]
    change: Mapping[str, tuple[str, str] | str | None]
    call: str = "m:f"
    params: Mapping[str, object] = field(default_factory=dict)
    keeps: bool = False
    outside: tuple[str, ...] = ()

    def before(self) -> dict[str, str]:
        return {name: textwrap.dedent(text) for name, text in self.files.items()}

    def after(self) -> dict[str, str]:
        project = self.before()
        for name, change in self.change.items():
            if isinstance(change, tuple):
                old, new = change
                assert project[name].count(old) == 1, (
                    f"{self.about}: {old!r} is there {project[name].count(old)} times"
                )
                project[name] = project[name].replace(old, new)
            elif change is None:
                del project[name]
            else:
                project[name] = textwrap.dedent(change)
        return project


def edits(kind: str, **cases: tuple) -> list[Edit]:
    """Name some edits of one kind: each a source or files, a change (of `m.py`, where it is a pair), and what else it takes."""
    found = []
    for name, (source, change, *more) in cases.items():
        about = f"{kind}: {name.replace('_', ' ')}"
        files = {"m.py": source} if isinstance(source, str) else source
        changed = {"m.py": change} if isinstance(change, tuple) else change
        found.append(Edit(about, files, changed, **(more[0] if more else {})))
    return found

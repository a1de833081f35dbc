"""What differs in the code of one callable: the pieces that changed, each with its place and its diff.

Takes what the key says of it then and now, what the past run's manifest keeps of its pieces, and the facts of now.
Where pieces are not told, the callable as a whole has changed.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from pipespec.document.nodes import JSON
from pipespec.plan.changes.model import Change, Now, Part, PastRun, differ, mapping
from pipespec.plan.changes.wording import piece_place
from pipespec.plan.model import CodeFacts
from pipespec.spec.model import CallableRef

__all__ = ["changes_of_callable", "changes_of_code"]

_DIFF_LINES: Final = 400
"""Lines of one diff that are kept."""


def changes_of_code(now: Now, past: PastRun) -> Iterator[Change]:
    """Yield what differs in the code of the step's own callable."""
    old, new = past.parts.get("code"), now.parts.get("code")
    counted = past.manifest.get("code")
    if differ(old, new):
        yield from changes_of_callable(now.step.call, old, new, counted, now, past)


def changes_of_callable(
    ref: CallableRef, old: JSON, new: JSON, counted: JSON, now: Now, past: PastRun
) -> Iterator[Change]:
    """Compare the code of one callable that differs, from the pieces that were counted to the whole."""
    known = now.facts.code[str(ref)]
    before = {name: str(digest) for name, digest in mapping(counted).items()}
    if "digest" in mapping(old) and "digest" in mapping(new) and before:
        found = tuple(_pieces(before, known, past, now.pipeline.root))
        if found:
            yield from found
            return
    if mapping(old).get("package") or mapping(new).get("package"):
        detail = f"code of {ref}: {_package_text(old)} -> {_package_text(new)}"
    elif old is None or new is None:
        detail = f"code of {ref} {'counts' if old is None else 'does not count'} now"
    else:
        detail = f"code of {ref} changed"
    yield Change(Part.CODE, str(ref), detail, old=old, new=new, span=ref.span)


def _pieces(before: Mapping[str, str], known: CodeFacts, past: PastRun, root: Path) -> Iterator[Change]:
    """Yield the pieces that changed; a function and its annotations are one."""
    sources = mapping(past.manifest.get("sources"))
    changed = [
        name
        for name in sorted(before.keys() | known.counted.keys())
        if before.get(name) != known.counted.get(name)
    ]
    for name in dict.fromkeys(map(_owner, changed)):
        annotated = [one for one in changed if _owner(one) == name]
        old = next((before[one] for one in annotated if one in before), None)
        new = next((known.counted[one] for one in annotated if one in known.counted), None)
        piece = known.pieces.get(name) or known.pieces.get(name.partition(".")[0])
        text = sources.get(name, sources.get(name.partition(".")[0]))
        what = "counts now" if old is None else "does not count any more" if new is None else "changed"
        yield Change(
            Part.CODE,
            name,
            f"code {name} {what}",
            old=old,
            new=new,
            place=None if piece is None or new is None else piece_place(piece, root),
            diff=_diff(
                name,
                "" if old is None else text if isinstance(text, str) else None,
                "" if new is None else None if piece is None else piece.text,
            ),
        )


def _owner(name: str) -> str:
    return name.removesuffix(" annotations")


def _diff(name: str, old: str | None, new: str | None) -> str:
    if old is None or new is None or old == new:
        return ""
    found = difflib.unified_diff(
        old.splitlines(), new.splitlines(), f"{name} before", f"{name} now", lineterm=""
    )
    lines = list(found)
    more = len(lines) - _DIFF_LINES
    return "\n".join([*lines[:_DIFF_LINES], *([f"... {more} more lines"] if more > 0 else [])])


def _package_text(code: JSON) -> str:
    package = mapping(code).get("package")
    return " ".join(map(str, package)) if isinstance(package, list) else "the project's own"

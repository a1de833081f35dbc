"""What differs in the code of one callable: the pieces that changed, each with its place and its diff.

Takes what the key contains about it then and now, what the past run's manifest contains about its pieces, and the
current facts. If the pieces are not recorded, the callable as a whole is reported as changed.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from pipespec.document.nodes import JSON
from pipespec.plan.changes.change import Change, Now, Part, PastRun, declared_at, differ, mapping
from pipespec.plan.changes.change_wording import piece_place
from pipespec.python.callable_ref import CallableRef, SourceFileRef
from pipespec.python.identity.code_facts import CodeFacts

__all__ = ["changes_of_callable", "changes_of_code", "changes_of_files", "code_diff"]

_DIFF_LINES: Final = 400
"""Maximum number of lines of one diff."""


def changes_of_code(now: Now, past: PastRun) -> Iterator[Change]:
    """Yield what differs in the code of the step's own callable."""
    old, new = past.parts.get("code"), now.parts.get("code")
    counted = past.manifest.get("code")
    if differ(old, new):
        yield from changes_of_callable(now.step.call, old, new, counted, now, past)


def changes_of_files(now: Now, past: PastRun) -> Iterator[Change]:
    """Yield what differs in the files that the step runs as code."""
    before, after = mapping(past.parts.get("files")), mapping(now.parts.get("files"))
    refs = {ref.text: ref for ref in now.step.source_files}
    told = mapping(past.manifest.get("also_called"))
    for text in {**before, **after}:
        old, new = before.get(text), after.get(text)
        if text not in after:
            yield Change(Part.CODE, text, f"code {text} no longer counts", old=old, span=now.step.call.span)
        elif differ(old, new):
            counted = mapping(told.get(str(refs[text]))).get("code")
            yield from changes_of_callable(refs[text], old, new, counted, now, past)


def changes_of_callable(
    ref: CallableRef | SourceFileRef, old: JSON, new: JSON, counted: JSON, now: Now, past: PastRun
) -> Iterator[Change]:
    """Compare the code of one callable that differs: first the pieces that were counted, then the whole."""
    known = now.facts.code[str(ref)]
    before = {name: str(digest) for name, digest in mapping(counted).items()}
    if "digest" in mapping(old) and "digest" in mapping(new) and before:
        root = now.pipeline.root
        redirected = tuple(_redirected(known, past, root))
        pieces = _pieces(before, known, past, root)
        # Code that names what is imported also differs, although its text was not edited.
        found = (
            *redirected,
            *(one for one in pieces if not redirected or one.diff or not (one.old and one.new)),
        )
        if found:
            yield from found
            return
    if mapping(old).get("package") or mapping(new).get("package"):
        detail = f"code of {ref}: {_package_text(old)} -> {_package_text(new)}"
    elif old is None or new is None:
        detail = f"code of {ref} {'counts' if old is None else 'does not count'} now"
    elif mapping(old).get("loaded") != mapping(new).get("loaded"):
        detail = (
            f"modules that {ref} loads {'count' if mapping(new).get('loaded') else 'do not count'} whole now"
        )
    else:
        detail = f"code of {ref} changed"
    span = ref.span if new is not None else declared_at(now, "code")
    yield Change(Part.CODE, str(ref), detail, old=old, new=new, span=span)


def _redirected(known: CodeFacts, past: PastRun, root: Path) -> Iterator[Change]:
    """Yield the imports that now lead to something else: the names are the same, but their meaning is not."""
    before = mapping(past.manifest.get("imports"))
    for name, line in known.import_lines.items():
        old = before.get(name)
        if isinstance(old, str) and old != line.text:
            yield Change(
                Part.CODE,
                name,
                f"import of {name} changed",
                old=old,
                new=line.text,
                place=piece_place(line, root),
                diff=code_diff(name, old, line.text),
            )


def _pieces(before: Mapping[str, str], known: CodeFacts, past: PastRun, root: Path) -> Iterator[Change]:
    """Yield the pieces that changed. A function and its annotations are one piece."""
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
        what = "counts now" if old is None else "no longer counts" if new is None else "changed"
        yield Change(
            Part.CODE,
            name,
            f"code {name} {what}",
            old=old,
            new=new,
            place=None if piece is None or new is None else piece_place(piece, root),
            diff=code_diff(
                name,
                "" if old is None else text if isinstance(text, str) else None,
                "" if new is None else None if piece is None else piece.text,
            ),
        )


def _owner(name: str) -> str:
    return name.removesuffix(" annotations")


def code_diff(name: str, old: str | None, new: str | None) -> str:
    """Return the first lines of the unified diff of two texts of code; empty if one is not known or both are equal."""
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

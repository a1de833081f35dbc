"""Files that a step runs as code, found in the project: where they are, what counts of them, why they cannot be run.

Takes a `SourceFileRef` and the project's folders. For a Python file, its imports also count; for any other file, its
bytes. A word of a command that is not a file is ignored. A script that does not exist is a mistake.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from pipespec.document.wording import quote
from pipespec.python.callable_ref import SourceFileRef
from pipespec.python.identity.code_facts import CodeFacts, CodePiece
from pipespec.python.identity.counted_code import module_facts, script_facts
from pipespec.python.identity.dependencies import sha256_of
from pipespec.python.identity.notebook_code import notebook_code
from pipespec.python.modules import ModuleFiles
from pipespec.python.problem_kind import ProblemKind
from pipespec.python.signature import CallableProblem

__all__ = ["source_file_facts", "source_file_problem"]

_PROGRAM_OF_PACKAGE: Final = "/__main__.py"


def source_file_facts(
    ref: SourceFileRef, root: Path, folders: Sequence[Path], files: ModuleFiles
) -> CodeFacts | None:
    """Return what counts of a file, or None if there is no file."""
    key = ("source file", str(ref), root, tuple(folders))
    if key not in files.memo:
        files.memo[key] = _facts(ref, root, folders, files)
    found: CodeFacts | None = files.memo[key]
    return found


def source_file_problem(
    ref: SourceFileRef, root: Path, folders: Sequence[Path], files: ModuleFiles
) -> CallableProblem | None:
    """Say why a file cannot be run, or return None."""
    found = _find(ref, root, folders, files)
    if isinstance(found, OSError):
        message = f"{quote(ref.text)} cannot be counted as code: {found.strerror}"
        return CallableProblem(ProblemKind.FILE_NOT_READ, message)
    if found is not None or not ref.is_required:
        facts = None if found is None else source_file_facts(ref, root, folders, files)
        if facts is not None and facts.notes and not ref.is_word:
            return CallableProblem(ProblemKind.SYNTAX_ERROR, facts.notes[0])
        return None
    return CallableProblem(ProblemKind.FILE_NOT_FOUND, f"there is no file {quote(ref.text)}")


def _facts(ref: SourceFileRef, root: Path, folders: Sequence[Path], files: ModuleFiles) -> CodeFacts | None:
    found = _find(ref, root, folders, files)
    if found is None or isinstance(found, OSError):
        return None
    path, content = found
    if ref.module:
        return module_facts(_module_in(path, ref.module), path, f"python -m {ref.module}", folders, files)
    if path.suffix == ".py":
        return script_facts(path, ref.text, folders, files)
    if path.suffix == ".ipynb" and not ref.is_word:
        return _notebook_facts(path, content, ref.text, folders, files)
    digest = sha256_of(["bytes", content.hex()])
    try:
        pieces = {ref.text: CodePiece(content.decode(), str(path), 1)}
    except UnicodeDecodeError:
        pieces = {}
    return CodeFacts(sha256_of(["file", digest]), {ref.text: digest}, (str(path),), pieces=pieces)


def _notebook_facts(
    path: Path, content: bytes, text: str, folders: Sequence[Path], files: ModuleFiles
) -> CodeFacts:
    notebook = notebook_code(content)
    if notebook is None:
        why = f"{quote(text)} is not a notebook of Jupyter"
        return CodeFacts(sha256_of(["bytes", content.hex()]), {}, (str(path),), notes=(why,))
    facts = script_facts(path, text, folders, files, notebook.code.encode())
    digest = sha256_of(["cells", notebook.cells])
    return replace(
        facts,
        digest=sha256_of(["notebook", facts.digest, digest]),
        counted={**facts.counted, text: digest},
        notes=(),
    )


def _find(
    ref: SourceFileRef, root: Path, folders: Sequence[Path], files: ModuleFiles
) -> tuple[Path, bytes] | OSError | None:
    """Return the file and its content; the error if it is too large to count as code."""
    for path in _places(ref, root, folders):
        if ref.is_word and Path(ref.text).is_absolute() and not path.is_relative_to(root):
            return None  # a program of the system
        try:
            return path, files.read(path)
        except OSError as error:
            if error.errno == errno.EFBIG:
                return error
    return None


def _places(ref: SourceFileRef, root: Path, folders: Sequence[Path]) -> list[Path]:
    if ref.module:
        return [
            Path(folder, ref.text + ending)
            for folder in dict.fromkeys((root, *folders))
            for ending in (".py", _PROGRAM_OF_PACKAGE)
        ]
    return [Path(folder, ref.text) for folder in ((root,) if ref.is_word else folders)]


def _module_in(path: Path, module: str) -> str:
    """Return the name of the module in a file that `python -m` runs: for a package, that of its `__main__.py`."""
    return f"{module}.__main__" if str(path).endswith(_PROGRAM_OF_PACKAGE) else module

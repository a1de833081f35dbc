"""The code of a callable: a digest of the syntax trees of all code of the project that it reaches.

Takes `module:function` and the folders of modules, returns `CodeFacts`. Imports and executes nothing. What counts:

- the function, and each function, class and variable of the project that counted code names, bodies included;
- the annotations of the callable itself, since they decide how its inputs are loaded;
- in each module that is imported with it, the statements that change counted code when they are executed,
  or something outside of the project (`random.seed(7)`);
- a whole module, if it cannot be determined which part of it counts; `notes` say why.

What decorators, docstrings, formatting and unreached code mean for it: docs/decisions/0007-code-identity.md.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeVar

from pipespec.document.nodes import JSON
from pipespec.python.callable_ref import CallableRef
from pipespec.python.identity.canonical_tree import canonical_tree
from pipespec.python.identity.code_facts import CodeFacts, CodePiece
from pipespec.python.identity.dependencies import Dependencies, sha256_of
from pipespec.python.identity.import_effects import When
from pipespec.python.identity.import_order import execution_order
from pipespec.python.identity.mentions import Ref
from pipespec.python.identity.module_statements import Statement
from pipespec.python.identity.name_meaning import Name, Outside, Target, Whole
from pipespec.python.identity.reached_code import ReachedCode
from pipespec.python.modules import ModuleFile, ModuleFiles, ModuleProblem, Modules, Origin, modules_of
from pipespec.python.problem_kind import ProblemKind
from pipespec.python.statement_bindings import absolute_module

__all__ = ["CODE_FORMAT", "code_facts", "module_facts", "script_facts"]

CODE_FORMAT: Final = 2
"""Increased if the rule changes, so that no digest of the old rule equals one of the new rule."""

_AT_IMPORT: Final = "<import>"
"""Names in `counted` what runs when a module is imported and belongs to none of its names."""

_ORDER: Final = "<order>"
"""Names in `counted` the order in which importing the callable executes what changes something."""


_LIBRARY: Final = "pipespec.steps"
_LIBRARY_FORMAT: Final = 1
"""Increased if a function there does something different, so that its steps run again. Other releases of pipespec do not count."""


def code_facts(ref: CallableRef, folders: Sequence[Path], files: ModuleFiles) -> CodeFacts:
    """Return what the code of a callable is.

    Modules of the project are searched in `folders`; the first match counts. Results are kept in `files`, so that callables that
    share code take little longer than one. Never fails: if a module or function does not exist, a note says so (and a check
    reports it).
    """
    key = ("code", tuple(folders))
    if key not in files.memo:
        files.memo[key] = _CodeReader(Dependencies(modules_of(folders, files), files))
    reader: _CodeReader = files.memo[key]
    return reader.facts(ref)


def script_facts(
    path: Path, text: str, folders: Sequence[Path], files: ModuleFiles, code: bytes | None = None
) -> CodeFacts:
    """Return what the code of a Python file is that is run as a program: all of it, and what it imports.

    `text` is what the file is called in `counted`; `code` stands for the file's own bytes. Modules are searched beside it first, as Python does.
    """
    main = path if code is None else path.with_name(f"{path.name}.py")
    beside = _WithMain(files, main, code)
    places = tuple(dict.fromkeys((path.parent, *folders)))
    facts = _program_facts(_MAIN, path, text, Dependencies(Modules(places, beside), beside), files)
    return replace(facts, files=tuple(str(path) if file == str(main) else file for file in facts.files))


def module_facts(
    module: str, path: Path, text: str, folders: Sequence[Path], files: ModuleFiles
) -> CodeFacts:
    """Return what the code of a module is that `python -m` runs. `path` is its file; the other arguments are as above."""
    places = tuple(dict.fromkeys((path.parents[module.count(".")], *folders)))
    return _program_facts(module, path, text, Dependencies(modules_of(places, files), files), files)


def _program_facts(name: str, path: Path, text: str, leads: Dependencies, files: ModuleFiles) -> CodeFacts:
    module = leads.modules.get(name)
    if isinstance(module, ModuleProblem):
        line = f", line {module.line}" if module.line is not None else ""
        why = module.message.replace(f"module '{name}'", f"'{text}'") + line
        return CodeFacts(sha256_of(["text", files.read(path).hex()]), {}, (str(path),), notes=(why,))
    roots: list[Target] = [Whole(name, "it is run")]
    roots += [Whole(each, "a script uses it") for each in _imported(module.tree, name, leads.modules)]
    facts = _Summary(leads, name, roots).facts()
    # A block below `if __name__ == "__main__"` is in no module that is imported, and here it runs.
    named = {**_renamed(facts.counted, text), text: sha256_of(canonical_tree(module.tree.body))}
    return replace(
        facts,
        digest=_digest([text], named),
        counted=dict(sorted(named.items())),
        notes=(),
        widened=(),
        pieces={**_renamed(facts.pieces, text), text: CodePiece(module.text, str(path), 1)},
    )


_MAIN: Final = "__main__"
_T = TypeVar("_T")


def _renamed(found: Mapping[str, _T], text: str) -> dict[str, _T]:
    return {
        name if name.partition(":")[0] != _MAIN else name.replace(_MAIN, text, 1): one
        for name, one in found.items()
    }


def _imported(tree: ast.Module, program: str, modules: Modules) -> list[str]:
    """Return the modules of the project that a program imports anywhere in its text."""
    package = program.rpartition(".")[0]
    names: dict[str, None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= dict.fromkeys(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (source := absolute_module(node, package)):
            names[source] = None
            names |= dict.fromkeys(f"{source}.{alias.name}" for alias in node.names)
    return [name for name in names if modules.is_own(name)]


class _WithMain:
    """The files of a project and one more, which has the name of a program's main module."""

    def __init__(self, files: ModuleFiles, main: Path, code: bytes | None) -> None:
        self._files = files
        self._code = code
        self._main = main
        self.memo: dict[Any, Any] = {}

    def find(self, module: str, folders: Sequence[Path]) -> ModuleFile | None:
        return ModuleFile(self._main) if module == _MAIN else self._files.find(module, folders)

    def read(self, path: Path) -> bytes:
        return self._code if self._code is not None and path == self._main else self._files.read(path)

    def children(self, package: str, folders: Sequence[Path]) -> Collection[str]:
        return self._files.children(package, folders)

    def distribution(self, module: str, file: ModuleFile) -> tuple[str, str] | None:
        return self._files.distribution(module, file)


class _CodeReader:
    """Reads the code of one project's callables, each once."""

    def __init__(self, leads: Dependencies) -> None:
        self._leads = leads
        self._modules = leads.modules
        self._facts: dict[tuple[str, str], CodeFacts] = {}

    def facts(self, ref: CallableRef) -> CodeFacts:
        key = ref.module, ref.qualname
        if key not in self._facts:
            self._facts[key] = self._read(ref)
        return self._facts[key]

    def _read(self, ref: CallableRef) -> CodeFacts:
        if ref.module == _LIBRARY:
            return CodeFacts(sha256_of([str(ref), _LIBRARY_FORMAT]), {}, ())
        if not self._modules.is_own(ref.module):
            return self._outside(ref, f"{ref.module}.{ref.qualname}")
        roots = self._leads.resolver.resolve(ref.module, Ref("", tuple(ref.qualname.split("."))))
        outside = [root.dotted for root in roots if isinstance(root, Outside)]
        if len(outside) == len(roots):
            return self._outside(ref, outside[0] if outside else f"{ref.module}.{ref.qualname}")
        return _Summary(self._leads, ref.module, roots).facts()

    def _outside(self, ref: CallableRef, dotted: str) -> CodeFacts:
        """Describe a callable that is not part of the project by the version of its distribution."""
        top = dotted.partition(".")[0]
        module = self._longest_module(dotted)
        file = self._modules.find(module)
        if top in sys.stdlib_module_names and (file is None or file.origin is Origin.STDLIB):
            note = f"'{ref}' is part of Python, whose version does not count"
            return CodeFacts(sha256_of(["python", dotted]), {}, (), notes=(note,))
        if file is None or file.origin is Origin.PROJECT:
            note = f"the code of '{ref}' cannot be found, so it does not count"
            return CodeFacts(sha256_of(["nowhere", dotted]), {}, (), notes=(note,))
        package = self._modules.distribution(module)
        if package is not None:
            return CodeFacts(sha256_of(["package", dotted, *package]), {}, (), (module,), package)
        modules = [module, *self._modules.beside(module)]
        counted = {one: self._leads.content(one) for one in modules}
        note = f"module '{module}' belongs to no installed distribution, so its files count, not a version"
        return CodeFacts(_digest([dotted], counted), counted, (str(file.path),), (module,), notes=(note,))

    def _longest_module(self, dotted: str) -> str:
        """Return the module in a dotted name; its first part where there is none."""
        parts = dotted.split(".")
        names = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
        return next((name for name in names if self._modules.find(name) is not None), parts[0])


class _Summary:
    """Sums up what one callable reaches: what counts, by name, with digests and texts."""

    def __init__(self, leads: Dependencies, module: str, roots: Sequence[Target]) -> None:
        self._leads = leads
        self._module = module
        self._roots = [
            str(root) + "".join(f".{part}" for part in getattr(root, "rest", ())) for root in roots
        ]
        self._reached = ReachedCode(leads, module, roots)
        self._wholes = self._reached.wholes

    def facts(self) -> CodeFacts:
        """Return what counts, all of it listed by name."""
        listed = self._listed()
        counted = {**self._counted(listed), **self._reached.signatures, **self._module_docstrings()}
        if order := self._order():
            counted[f"{self._module}:{_ORDER}"] = sha256_of(order)
        notes = tuple(
            f"module '{module}' counts as a whole: {why}"
            for module, reasons in sorted(self._wholes.items())
            for why in sorted(reasons)
        )
        modules = sorted(self._reached.modules)
        installed = {name for module in modules for name in self._leads.imports(module)[1]}
        return CodeFacts(
            digest=_digest(self._roots, counted),
            counted=dict(sorted(counted.items())),
            files=tuple(path for module in modules for path in self._source(module)),
            imports=tuple(sorted(installed)),
            notes=notes,
            widened=tuple(note for note in notes if not note.endswith("it cannot be read")),
            pieces=self._pieces(listed),
        )

    def _listed(self) -> dict[str, list[Statement]]:
        """Return the statements under each name that they are listed by, in the order of the text."""
        listed: dict[str, list[Statement]] = {}
        for statement in sorted(self._reached.statements, key=lambda one: (one.module, one.index)):
            if statement.module not in self._wholes:
                for label in self._labels(statement):
                    listed.setdefault(label, []).append(statement)
        return listed

    def _counted(self, listed: Mapping[str, Sequence[Statement]]) -> dict[str, str]:
        digests = {label: [self._statement_digest(one) for one in found] for label, found in listed.items()}
        named = {
            label: found[0] if len(found) == 1 else sha256_of([*found]) for label, found in digests.items()
        }
        return named | {module: self._whole_digest(module) for module in self._wholes}

    def _statement_digest(self, statement: Statement) -> str:
        """Return the digest of a statement, with the parts that counted code looks at."""
        digest = self._leads.lead(statement).digest
        parts: list[JSON] = []
        is_documented = any(
            Name(statement.module, name) in self._reached.documented for name in statement.names
        )
        if is_documented or "docstrings" in self._reached.reads:
            parts += self._leads.docstrings(statement)
        is_signed = any(Name(statement.module, name) in self._reached.signed for name in statement.names)
        if is_signed or "annotations" in self._reached.reads:
            parts.append(self._leads.annotations(statement).digest)
        if self._reached.reads & {"lines", "text"}:
            parts.append(self._leads.piece(statement).text)
        if "lines" in self._reached.reads:
            parts.append(statement.node.lineno)
        return sha256_of([digest, *parts]) if parts else digest

    def _module_docstrings(self) -> dict[str, str]:
        """Return the docstrings of modules: of all that are loaded, or of those whose own code looks at it."""
        readers: set[str] = set()
        if "docstrings" in self._reached.reads:
            readers = self._reached.modules
        elif "module docstring" in self._reached.reads:
            readers = {
                statement.module
                for statement in self._reached.statements
                if "module docstring" in self._leads.lead(statement).reads
            }
        found: dict[str, str] = {}
        for module in readers:
            code = self._leads.resolver.code(module)
            text = ast.get_docstring(code.module.tree, clean=False) if code is not None else None
            if text is not None:
                found[f"{module}:__doc__"] = sha256_of(text)
        return found

    def _order(self) -> list[JSON]:
        """Return in which order importing the callable executes what changes something."""
        when = self._leads.effects.when
        if not any(when(one) is When.CHANGES for one in self._reached.statements):
            return []
        labels = {one: self._labels(one)[0] for one in self._reached.statements}
        return execution_order(
            self._module,
            self._reached.modules,
            labels,
            when,
            self._leads.import_steps,
        )

    def _pieces(self, listed: Mapping[str, Sequence[Statement]]) -> dict[str, CodePiece]:
        pieces = {}
        for label, found in listed.items():
            first, *more = [self._leads.piece(one) for one in found]
            text = "\n".join(one.text for one in (first, *more)) if more else first.text
            pieces[label] = CodePiece(text, first.file, first.line) if more else first
        for module in self._wholes:
            code = self._leads.resolver.code(module)
            if code is not None:
                pieces[module] = CodePiece(code.module.text, str(code.module.file.path), 1)
        return pieces

    def _labels(self, statement: Statement) -> list[str]:
        """Return what a statement is listed under: the reached names that it binds, else what it is about."""
        names = self._reached.names
        reached = [name for name in statement.names if Name(statement.module, name) in names]
        labels = reached or [*statement.names[:1]] or [statement.owner or _AT_IMPORT]
        return [f"{statement.module}:{label}" for label in labels]

    def _whole_digest(self, module: str) -> str:
        """Return the digest of all statements of a module, imports among them, in the order of the text."""
        code = self._leads.resolver.code(module)
        if code is None:
            return self._leads.content(module)
        digests: dict[int, list[JSON]] = {}
        for one in code.statements:
            digests.setdefault(one.index, []).append(self._statement_digest(one))
        parts: list[JSON] = []
        for index, node in enumerate(code.module.tree.body):
            if index in digests:
                parts += digests[index]
            elif isinstance(node, ast.Import | ast.ImportFrom):
                parts.append(canonical_tree([node]))
        return sha256_of(parts)

    def _source(self, module: str) -> Iterator[str]:
        """Yield the path of a module that was read."""
        found = self._leads.modules.get(module)
        if isinstance(found, ModuleProblem) and found.kind is not ProblemKind.SYNTAX_ERROR:
            return
        if found.file is not None and found.file.path.suffix == ".py":
            yield str(found.file.path)


def _digest(roots: Sequence[str], counted: Mapping[str, str]) -> str:
    return sha256_of(
        ["code", CODE_FORMAT, [*roots], [[name, digest] for name, digest in sorted(counted.items())]]
    )

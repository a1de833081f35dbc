"""The code of a callable: a digest over the syntax trees of all of the project that it reaches.

Takes `module:function` and where modules are found, gives `CodeFacts`; imports and executes nothing. What counts:

- the function, and each function, class and variable of the project that counted code names, bodies included;
- the annotations of the callable itself, since they decide how its inputs are loaded;
- of every module that is imported with it, the statements that change something counted when they are executed,
  or something outside of the project (`random.seed(7)`);
- a whole module where only part of it cannot be told; `notes` say why.

What decorators, docstrings, formatting and unreached code mean for it: docs/decisions/0003-code-identity.md.
"""

from __future__ import annotations

import ast
import hashlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipespec.document.nodes import JSON
from pipespec.plan.effects import Effects, subclasses_of, whole
from pipespec.plan.mentions import Mentions, Ref, collect, loaded_by
from pipespec.plan.model import CodeFacts
from pipespec.plan.resolve import Name, Named, Outside, Resolver, Target, Whole
from pipespec.plan.statements import ModuleCode, Statement
from pipespec.plan.tree import annotated, canonical_tree
from pipespec.spec.model import CallableRef
from pipespec.spec.modules import ImportTarget, ModuleFiles, Modules, Origin, modules_of

__all__ = ["CODE_FORMAT", "code_facts"]

CODE_FORMAT: Final = 1
"""Raised when the rule changes, so that a digest of before never equals one of after."""

_AT_IMPORT: Final = "<import>"
"""Names in `counted` what runs when a module is imported and belongs to none of its names."""


def code_facts(ref: CallableRef, folders: Sequence[Path], files: ModuleFiles) -> CodeFacts:
    """Say what the code of a callable is.

    `folders` is where the project's modules are looked for, the first match wins. What has been worked out is
    remembered in `files`, so that callables that share code cost little more than one. Never fails: where a
    module or function is not there, that is a note (and a finding of the checks).
    """
    key = ("code", tuple(folders))
    if key not in files.memo:
        files.memo[key] = _CodeReader(modules_of(folders, files), files)
    reader: _CodeReader = files.memo[key]
    return reader.facts(ref)


@dataclass(frozen=True, slots=True)
class _Lead:
    """A statement's digest, and what it leads to; `aside` are names that only its decorators use."""

    digest: str
    targets: tuple[Target, ...]
    loads: tuple[str, ...]
    aside: frozenset[Name] = frozenset()


class _CodeReader:
    """Reads the code of one project: works out each statement once, however many callables reach it."""

    def __init__(self, modules: Modules, files: ModuleFiles) -> None:
        self.modules = modules
        self.resolver = Resolver(modules)
        self.effects = Effects(self.resolver)
        self._files = files
        self._facts: dict[tuple[str, str], CodeFacts] = {}
        self._leads: dict[Statement, _Lead] = {}
        self._imports: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}

    def facts(self, ref: CallableRef) -> CodeFacts:
        key = ref.module, ref.qualname
        if key not in self._facts:
            self._facts[key] = self._read(ref)
        return self._facts[key]

    def lead(self, statement: Statement) -> _Lead:
        """Return where a statement leads, the bodies of its functions included."""
        if statement not in self._leads:
            mentions = self.effects.mentions(statement)
            self._leads[statement] = self._lead([statement.node], statement.module, mentions)
        return self._leads[statement]

    def signature_lead(self, name: Name, rest: Sequence[str]) -> _Lead | None:
        """Return where the annotations of a callable lead; None where it has none."""
        code = self.resolver.code(name.module)
        function = _function(code, name.name, rest) if code is not None else None
        annotations = annotated(function) if function is not None else {}
        if code is None or not annotations:
            return None
        nodes = list(annotations.values())
        lead = self._lead(nodes, name.module, collect(nodes, code.module.package, is_pure=code.is_pure))
        return _Lead(_sha256([list(annotations), lead.digest]), lead.targets, lead.loads)

    def imports(self, module: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return what importing a module imports directly: the project's modules, and installed ones.

        The packages around it count as imported by it.
        """
        if module not in self._imports:
            code = self.resolver.code(module)
            targets = sorted(_imported(code), key=str) if code is not None else []
            own = [name for name in _packages_around(module) if self.modules.is_own(name)]
            own += [name for target in targets for name in self.resolver.own_modules(target)]
            installed = [target.module for target in targets if self._is_installed(target.module)]
            self._imports[module] = tuple(dict.fromkeys(own)), tuple(dict.fromkeys(installed))
        return self._imports[module]

    def content(self, module: str) -> str:
        """Return a digest of a module that cannot be parsed: of its bytes where there are any."""
        file = self.modules.find(module)
        if file is None or file.refusal is not None or not file.path.suffix:
            return _sha256(["absent", module])
        try:
            return hashlib.sha256(self._files.read(file.path)).hexdigest()
        except OSError:
            return _sha256(["unreadable", module])

    def _read(self, ref: CallableRef) -> CodeFacts:
        if not self.modules.is_own(ref.module):
            return self._outside(ref, f"{ref.module}.{ref.qualname}")
        roots = self.resolver.resolve(ref.module, Ref("", tuple(ref.qualname.split("."))))
        for root in roots:
            if isinstance(root, Outside):
                return self._outside(ref, root.dotted)
        return _Closure(self, roots).facts()

    def _outside(self, ref: CallableRef, dotted: str) -> CodeFacts:
        """Describe a callable that does not live in the project: by its distribution's version."""
        module = self._longest_module(dotted)
        if module is None:
            note = f"the code of '{ref}' cannot be found, so it does not count"
            return CodeFacts(_sha256(["nowhere", dotted]), {}, (), notes=(note,))
        file = self.modules.find(module)
        if module.partition(".")[0] in sys.stdlib_module_names and (not file or file.origin is Origin.STDLIB):
            note = f"'{ref}' is part of Python, whose version does not count"
            return CodeFacts(_sha256(["python", dotted]), {}, (), notes=(note,))
        package = self.modules.distribution(module)
        if package is not None:
            return CodeFacts(_sha256(["package", dotted, *package]), {}, (), (module,), package)
        counted = {module: self.content(module)}
        note = (
            f"module '{module}' belongs to no installed distribution, so its file counts instead of a version"
        )
        paths = (str(file.path),) if file is not None else ()
        return CodeFacts(_digest([dotted], counted), counted, paths, (module,), notes=(note,))

    def _longest_module(self, dotted: str) -> str | None:
        parts = dotted.split(".")
        names = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
        return next(
            (
                name
                for name in names
                if name in sys.stdlib_module_names or self.modules.find(name) is not None
            ),
            None,
        )

    def _is_installed(self, module: str) -> bool:
        top = module.partition(".")[0]
        return bool(top) and top not in sys.stdlib_module_names and not self.modules.is_own(top)

    def _lead(self, nodes: Sequence[ast.AST], module: str, mentions: Mentions) -> _Lead:
        """Work out where some nodes lead.

        The digest is over their tree and over what their imported names stand for: the tree alone would not show
        that an import was redirected.
        """
        targets: dict[Target, bool] = {}
        imported: dict[str, JSON] = {}
        for ref in sorted(mentions.refs):
            found = self.resolver.resolve(module, ref)
            for target in found:
                is_aside = ref in mentions.decorating and self._is_made_outside(target)
                targets[target] = targets.get(target, True) and is_aside
            meanings: list[JSON] = [str(one) for one in found if not _is_builtin(one)]
            if meanings and meanings != [":".join((module, *ref.chain[:1]))]:
                imported[f"{ref.module}:{'.'.join(ref.chain)}"] = meanings
        for what in sorted(mentions.open_ended):
            targets[Whole(module, f"it uses {what}")] = False
        loads = [name for load in sorted(mentions.loads, key=str) for name in self.resolver.own_modules(load)]
        return _Lead(
            _sha256([canonical_tree(nodes), imported]),
            tuple(target for target in targets if not isinstance(target, Outside)),
            tuple(dict.fromkeys(loads)),
            frozenset(one.name for one, aside in targets.items() if aside and isinstance(one, Named)),
        )

    def _is_made_outside(self, target: Target) -> bool:
        """Tell whether a name holds an object that a call of something outside made: `app = typer.Typer()`."""
        code = self.resolver.code(target.name.module) if isinstance(target, Named) else None
        if code is None or not isinstance(target, Named):
            return False
        for statement in code.binding.get(target.name.name, ()):
            match statement.node:
                case ast.Assign(value=ast.Call(func=callee)):
                    mentions = collect([callee], code.module.package, is_pure=code.is_pure)
                    made = [one for ref in mentions.refs for one in self.resolver.resolve(code.name, ref)]
                    if all(isinstance(one, Outside) for one in made):
                        continue
            return False
        return True


class _Closure:
    """Collects all that one callable reaches."""

    def __init__(self, reader: _CodeReader, roots: Sequence[Target]) -> None:
        self._reader = reader
        self._roots = [
            str(root) + "".join(f".{part}" for part in getattr(root, "rest", ())) for root in roots
        ]
        self._names: set[Name] = set()
        self._statements: set[Statement] = set()
        self._modules: set[str] = set()
        self._active: set[Name] = set()
        self._wholes: dict[str, set[str]] = {}
        self._signatures: dict[str, str] = {}
        self._waiting: list[Target | Statement | str] = [*roots]
        for root in roots:
            if isinstance(root, Named):
                self._add_signature(root)

    def facts(self) -> CodeFacts:
        """Walk until nothing new is reached, then sum up."""
        while self._waiting:
            match self._waiting.pop():
                case Named(name=name, rest=rest):
                    self._add_name(name)
                    if "__subclasses__" in rest:
                        self._activate(subclasses_of(name))
                case Whole() as target:
                    self._add_whole(target)
                case Statement() as statement:
                    self._add_statement(statement)
                case str(module):
                    self._load(module)
                case Outside():
                    continue
        return self._sum_up()

    def _add_name(self, name: Name) -> None:
        if name in self._names:
            return
        self._names.add(name)
        code = self._reader.resolver.code(name.module)
        if code is not None:
            self._waiting += code.binding.get(name.name, [])
            self._waiting += code.changing.get(name.name, [])
        self._load(name.module)
        self._activate(name)
        self._activate(whole(name.module))
        if self._reader.effects.watches_subclasses(name):
            self._activate(subclasses_of(name))

    def _add_whole(self, target: Whole) -> None:
        reasons = self._wholes.setdefault(target.module, set())
        if target.why in reasons:
            return
        reasons.add(target.why)
        self._load(target.module)
        code = self._reader.resolver.code(target.module)
        if code is None or len(reasons) > 1:
            return
        self._waiting += code.statements
        for name in code.module.bindings:
            found = self._reader.resolver.resolve(target.module, Ref("", (name,)))
            self._waiting += [one for one in found if isinstance(one, Named)]

    def _add_statement(self, statement: Statement) -> None:
        if statement in self._statements:
            return
        self._statements.add(statement)
        self._load(statement.module)
        lead = self._reader.lead(statement)
        self._waiting += lead.loads
        for target in lead.targets:
            if isinstance(target, Named) and target.name in lead.aside:
                code = self._reader.resolver.code(target.name.module)
                self._waiting += code.binding.get(target.name.name, []) if code is not None else []
            elif not (isinstance(target, Named) and _binds(statement, target.name)):
                self._waiting.append(target)

    def _add_signature(self, root: Named) -> None:
        lead = self._reader.signature_lead(root.name, root.rest)
        if lead is not None:
            self._signatures[f"{root.name}{''.join(f'.{part}' for part in root.rest)} annotations"] = (
                lead.digest
            )
            self._waiting += lead.targets

    def _load(self, module: str) -> None:
        """Take in a module that is imported with the callable: what it imports in turn, and what it changes."""
        if module in self._modules:
            return
        self._modules.add(module)
        self._waiting += self._reader.imports(module)[0]
        for statement in self._reader.effects.leaving(module):
            self._pull(statement)
        changers = self._reader.effects.changers(module)
        for name in self._active & changers.keys():
            for statement in changers[name]:
                self._pull(statement)

    def _activate(self, name: Name) -> None:
        """Let statements that change this name count, in all modules that are imported, now and later."""
        if name in self._active:
            return
        self._active.add(name)
        for module in self._modules:
            for statement in self._reader.effects.changers(module).get(name, ()):
                self._pull(statement)

    def _pull(self, statement: Statement) -> None:
        """Take in a statement for what it does when it is imported, and so the names that it binds."""
        self._waiting.append(statement)
        self._waiting += [Named(Name(statement.module, name)) for name in statement.names]

    def _sum_up(self) -> CodeFacts:
        counted = {**self._counted(), **self._signatures}
        modules = sorted(self._modules)
        installed = {name for module in modules for name in self._reader.imports(module)[1]}
        return CodeFacts(
            digest=_digest(self._roots, counted),
            counted=dict(sorted(counted.items())),
            files=tuple(path for module in modules for path in self._source(module)),
            imports=tuple(sorted(installed)),
            notes=tuple(
                f"module '{module}' counts as a whole: {why}"
                for module, reasons in sorted(self._wholes.items())
                for why in sorted(reasons)
            ),
        )

    def _counted(self) -> dict[str, str]:
        parts: dict[str, list[str]] = {}
        for statement in sorted(self._statements, key=lambda one: (one.module, one.index)):
            if statement.module not in self._wholes:
                for label in self._labels(statement):
                    parts.setdefault(label, []).append(self._reader.lead(statement).digest)
        return {label: _sha256([*digests]) for label, digests in parts.items()} | {
            module: self._whole_digest(module) for module in self._wholes
        }

    def _labels(self, statement: Statement) -> list[str]:
        """Return what a statement is listed under: the reached names that it binds, else what it is about."""
        reached = [name for name in statement.names if Name(statement.module, name) in self._names]
        labels = reached or [*statement.names[:1]] or [statement.owner or _AT_IMPORT]
        return [f"{statement.module}:{label}" for label in labels]

    def _whole_digest(self, module: str) -> str:
        code = self._reader.resolver.code(module)
        if code is None:
            return self._reader.content(module)
        digests: list[JSON] = [self._reader.lead(statement).digest for statement in code.statements]
        return _sha256([canonical_tree(code.imports), digests])

    def _source(self, module: str) -> Iterator[str]:
        file = self._reader.modules.find(module)
        if file is not None and file.path.suffix == ".py":
            yield str(file.path)


def _binds(statement: Statement, name: Name) -> bool:
    return name.module == statement.module and name.name in statement.names


def _function(
    code: ModuleCode, name: str, rest: Sequence[str]
) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """Return the function behind a name, or the method that `rest` leads to; of a class its `__init__`."""
    nodes: list[ast.stmt] = [one.node for one in code.module.bindings.get(name, ()) if not one.typing_only]
    for part in (*rest, "__init__"):
        found = nodes[-1] if nodes else None
        if not isinstance(found, ast.ClassDef):
            return found if isinstance(found, ast.FunctionDef | ast.AsyncFunctionDef) else None
        nodes = [one for one in found.body if getattr(one, "name", None) == part]
    found = nodes[-1] if nodes else None
    return found if isinstance(found, ast.FunctionDef | ast.AsyncFunctionDef) else None


def _imported(code: ModuleCode) -> set[ImportTarget]:
    """Return what the imports at a module's top import, also those in blocks."""
    return {
        target
        for node, typing_only in code.module.statements
        if isinstance(node, ast.Import | ast.ImportFrom) and not typing_only
        for target in loaded_by(node, code.module.package)
    }


def _packages_around(module: str) -> Iterator[str]:
    parts = module.split(".")
    return (".".join(parts[:length]) for length in range(1, len(parts)))


def _is_builtin(target: Target) -> bool:
    return isinstance(target, Outside) and target.is_builtin


def _digest(roots: Sequence[str], counted: Mapping[str, str]) -> str:
    return _sha256(
        ["code", CODE_FORMAT, [*roots], [[name, digest] for name, digest in sorted(counted.items())]]
    )


def _sha256(value: JSON) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()

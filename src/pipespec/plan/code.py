"""The code of a callable: a digest over the syntax trees of all of the project that it reaches.

Takes `module:function` and where modules are found, gives `CodeFacts`; imports and executes nothing. What counts:

- the function, and each function, class and variable of the project that counted code names, bodies included;
- the annotations of the callable itself, since they decide how its inputs are loaded;
- of every module that is imported with it, the statements that change something counted when they are executed,
  or something outside of the project (`random.seed(7)`);
- a whole module where only part of it cannot be told; `notes` say why.

What decorators, docstrings, formatting and unreached code mean for it: docs/decisions/0007-code-identity.md.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from pipespec.document.nodes import JSON
from pipespec.plan.effects import subclasses_of, whole
from pipespec.plan.leads import Leads, sha256_of
from pipespec.plan.mentions import Ref
from pipespec.plan.model import CodeFacts, CodePiece
from pipespec.plan.resolve import Name, Named, Outside, Target, Whole
from pipespec.plan.statements import Statement
from pipespec.plan.tree import canonical_tree
from pipespec.spec.model import CallableRef
from pipespec.spec.modules import ModuleFiles, ModuleProblem, Origin, modules_of
from pipespec.spec.signature import ProblemKind

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
        files.memo[key] = _CodeReader(Leads(modules_of(folders, files), files))
    reader: _CodeReader = files.memo[key]
    return reader.facts(ref)


class _CodeReader:
    """Reads the code of one project's callables, each once."""

    def __init__(self, leads: Leads) -> None:
        self._leads = leads
        self._modules = leads.modules
        self._facts: dict[tuple[str, str], CodeFacts] = {}

    def facts(self, ref: CallableRef) -> CodeFacts:
        key = ref.module, ref.qualname
        if key not in self._facts:
            self._facts[key] = self._read(ref)
        return self._facts[key]

    def _read(self, ref: CallableRef) -> CodeFacts:
        if not self._modules.is_own(ref.module):
            return self._outside(ref, f"{ref.module}.{ref.qualname}")
        roots = self._leads.resolver.resolve(ref.module, Ref("", tuple(ref.qualname.split("."))))
        outside = [root.dotted for root in roots if isinstance(root, Outside)]
        if len(outside) == len(roots):
            return self._outside(ref, outside[0] if outside else f"{ref.module}.{ref.qualname}")
        return _Closure(self._leads, ref.module, roots).facts()

    def _outside(self, ref: CallableRef, dotted: str) -> CodeFacts:
        """Describe a callable that does not live in the project: by its distribution's version."""
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
        counted = {module: self._leads.content(module)}
        note = f"module '{module}' belongs to no installed distribution, so its file counts, not a version"
        return CodeFacts(_digest([dotted], counted), counted, (str(file.path),), (module,), notes=(note,))

    def _longest_module(self, dotted: str) -> str:
        """Return the module in a dotted name; its first part where there is none."""
        parts = dotted.split(".")
        names = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
        return next((name for name in names if self._modules.find(name) is not None), parts[0])


class _Closure:
    """Collects all that one callable reaches."""

    def __init__(self, leads: Leads, module: str, roots: Sequence[Target]) -> None:
        """Begin with what the callable stands for, and with the module that is imported to get it."""
        self._leads = leads
        self._roots = [
            str(root) + "".join(f".{part}" for part in getattr(root, "rest", ())) for root in roots
        ]
        self._names: set[Name] = set()
        self._statements: set[Statement] = set()
        self._pulled: set[Statement] = set()
        self._modules: set[str] = set()
        self._active: set[Name] = set()
        self._wholes: dict[str, set[str]] = {}
        self._signatures: dict[str, str] = {}
        self._waiting: list[Target | Statement | str] = [module, *roots]
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
        code = self._leads.resolver.code(name.module)
        if code is not None:
            self._waiting += code.binding.get(name.name, [])
            self._waiting += code.changing.get(name.name, [])
        self._load(name.module)
        self._activate(name)
        self._activate(whole(name.module))
        if self._leads.effects.watches_subclasses(name):
            self._activate(subclasses_of(name))

    def _add_whole(self, target: Whole) -> None:
        reasons = self._wholes.setdefault(target.module, set())
        if target.why in reasons:
            return
        reasons.add(target.why)
        self._load(target.module)
        code = self._leads.resolver.code(target.module)
        if code is None or len(reasons) > 1:
            return
        self._waiting += code.statements
        for name in code.module.bindings:
            found = self._leads.resolver.resolve(target.module, Ref("", (name,)))
            self._waiting += [one for one in found if isinstance(one, Named)]

    def _add_statement(self, statement: Statement) -> None:
        if statement in self._statements:
            return
        self._statements.add(statement)
        self._load(statement.module)
        lead = self._leads.lead(statement)
        self._waiting += lead.loads
        for target in lead.targets:
            if isinstance(target, Named) and target.name in lead.aside:
                code = self._leads.resolver.code(target.name.module)
                self._waiting += code.binding.get(target.name.name, []) if code is not None else []
            elif not (isinstance(target, Named) and _binds(statement, target.name)):
                self._waiting.append(target)

    def _add_signature(self, root: Named) -> None:
        signature = self._leads.signature(root)
        if signature is not None:
            self._signatures[f"{signature.name} annotations"] = signature.lead.digest
            self._waiting += signature.lead.targets

    def _load(self, module: str) -> None:
        """Take in a module that is imported with the callable: what it imports in turn, and what it changes."""
        if module in self._modules:
            return
        self._modules.add(module)
        self._waiting += self._leads.imports(module)[0]
        for statement in self._leads.effects.leaving(module):
            self._pull(statement)
        for name in self._active.intersection(self._leads.effects.changed_by(module)):
            self._pull_changers(name)

    def _activate(self, name: Name) -> None:
        """Let statements that change this name count, in all modules that are imported, now and later."""
        if name in self._active:
            return
        self._active.add(name)
        self._pull_changers(name)

    def _pull_changers(self, name: Name) -> None:
        for statement in self._leads.effects.changers(name):
            if statement.module in self._modules:
                self._pull(statement)

    def _pull(self, statement: Statement) -> None:
        """Take in a statement for what it does when it is imported, and so the names that it binds."""
        if statement in self._pulled:
            return
        self._pulled.add(statement)
        self._waiting.append(statement)
        self._waiting += [Named(Name(statement.module, name)) for name in statement.names]

    def _sum_up(self) -> CodeFacts:
        listed = self._listed()
        counted = {**self._counted(listed), **self._signatures}
        modules = sorted(self._modules)
        installed = {name for module in modules for name in self._leads.imports(module)[1]}
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
            pieces=self._pieces(listed),
        )

    def _listed(self) -> dict[str, list[Statement]]:
        """Return the statements under each name that they are listed by, in the order of the text."""
        listed: dict[str, list[Statement]] = {}
        for statement in sorted(self._statements, key=lambda one: (one.module, one.index)):
            if statement.module not in self._wholes:
                for label in self._labels(statement):
                    listed.setdefault(label, []).append(statement)
        return listed

    def _counted(self, listed: Mapping[str, Sequence[Statement]]) -> dict[str, str]:
        digests = {label: [self._leads.lead(one).digest for one in found] for label, found in listed.items()}
        named = {
            label: found[0] if len(found) == 1 else sha256_of([*found]) for label, found in digests.items()
        }
        return named | {module: self._whole_digest(module) for module in self._wholes}

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
        reached = [name for name in statement.names if Name(statement.module, name) in self._names]
        labels = reached or [*statement.names[:1]] or [statement.owner or _AT_IMPORT]
        return [f"{statement.module}:{label}" for label in labels]

    def _whole_digest(self, module: str) -> str:
        code = self._leads.resolver.code(module)
        if code is None:
            return self._leads.content(module)
        digests: list[JSON] = [self._leads.lead(statement).digest for statement in code.statements]
        return sha256_of([canonical_tree(code.imports), digests])

    def _source(self, module: str) -> Iterator[str]:
        """Yield the path of a module that was read."""
        found = self._leads.modules.get(module)
        if isinstance(found, ModuleProblem) and found.kind is not ProblemKind.SYNTAX_ERROR:
            return
        if found.file is not None and found.file.path.suffix == ".py":
            yield str(found.file.path)


def _binds(statement: Statement, name: Name) -> bool:
    return name.module == statement.module and name.name in statement.names


def _digest(roots: Sequence[str], counted: Mapping[str, str]) -> str:
    return sha256_of(
        ["code", CODE_FORMAT, [*roots], [[name, digest] for name, digest in sorted(counted.items())]]
    )

"""What statements depend on: their digests, the names and modules that they need, and what modules import.

Takes the modules of a project and returns a `Dependency` for each statement, which is determined once, however many callables
share it. The digest covers the tree of the statement and what its imported names refer to: the tree alone would not show
that an import was redirected.
"""

from __future__ import annotations

import ast
import hashlib
import json
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from pipespec.document.nodes import JSON
from pipespec.frozen_values import frozen
from pipespec.python.identity.canonical_tree import canonical_tree
from pipespec.python.identity.code_facts import CodePiece
from pipespec.python.identity.dynamic_imports import DynamicImports
from pipespec.python.identity.expression_parts import loaded_by
from pipespec.python.identity.import_effects import Effects
from pipespec.python.identity.import_order import import_steps
from pipespec.python.identity.mentions import LOCAL, NameUsage, Ref
from pipespec.python.identity.module_statements import ModuleCode, Statement
from pipespec.python.identity.name_meaning import Name, Named, Outside, Resolver, Target, Whole
from pipespec.python.identity.name_usage import collect
from pipespec.python.identity.outside_calls import reads_annotations, reads_docstrings
from pipespec.python.identity.readable_parts import (
    annotated,
    annotations_in,
    docstrings_in,
    names_in_annotation,
)
from pipespec.python.modules import Function, ModuleFiles, Modules
from pipespec.python.name_resolution import Located, locate
from pipespec.python.statement_bindings import ImportTarget

__all__ = ["Dependencies", "Dependency", "Signature", "sha256_of"]


@frozen
class Dependency:
    """What a statement depends on: its digest, the names of the project in it, and the modules of the project that it imports.

    `aside` are names that only decorators mention and that hold an object made outside (`@app.command()`): they
    count, what else is registered with that object does not. `reads` are the parts of other code that it looks at;
    `documents` are names whose docstrings it hands to something that may read them, `signs` those whose annotations.
    """

    digest: str
    targets: tuple[Named | Whole, ...]
    loads: tuple[str, ...] = ()
    aside: frozenset[Name] = frozenset()
    reads: frozenset[str] = frozenset()
    documents: frozenset[Name] = frozenset()
    signs: frozenset[Name] = frozenset()


@frozen
class Signature:
    """The annotations of a callable: `name` tells where it is defined, past aliases."""

    name: str
    lead: Dependency


class Dependencies:
    """Determines what the statements of one project depend on, and keeps the results."""

    def __init__(self, modules: Modules, files: ModuleFiles) -> None:
        self.modules = modules
        self.resolver = Resolver(modules)
        self.effects = Effects(self.resolver)
        self._dynamic = DynamicImports(modules, self.resolver)
        self._files = files
        self._leads: dict[Statement, Dependency] = {}
        self._annotations: dict[Statement, Dependency] = {}
        self._docstrings: dict[Statement, list[str]] = {}
        self._steps: dict[str, list[Statement | str]] = {}
        self._pieces: dict[Statement, CodePiece] = {}
        self._imports: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}

    def lead(self, statement: Statement) -> Dependency:
        """Return what a statement depends on, including the bodies of its functions."""
        if statement not in self._leads:
            mentions = self.effects.mentions(statement)
            self._leads[statement] = self._lead([statement.node], statement, mentions)
        return self._leads[statement]

    def annotations(self, statement: Statement) -> Dependency:
        """Return the annotations within a statement, for code that looks at them, and what they name."""
        if statement not in self._annotations:
            refs = self.effects.mentions(statement).annotated
            named = dict.fromkeys(self.effects.executed.named(statement, sorted(refs)))
            found = annotations_in(statement.node)
            digest = sha256_of([list(found), canonical_tree([*found.values()])])
            self._annotations[statement] = Dependency(digest, tuple(named))
        return self._annotations[statement]

    def docstrings(self, statement: Statement) -> list[str]:
        """Return the docstrings within a statement."""
        if statement not in self._docstrings:
            self._docstrings[statement] = docstrings_in(statement.node)
        return self._docstrings[statement]

    def import_steps(self, module: str) -> list[Statement | str]:
        """Return the statements of a module and the modules that it imports, in the order of the text."""
        if module not in self._steps:
            self._steps[module] = import_steps(self.resolver, module)
        return self._steps[module]

    def signatures(self, root: Named) -> list[Signature]:
        """Return the annotations by which the inputs of a callable are loaded.

        Those of the function itself. Where it is made by others (a decorator, `partial`, a class that is called)
        any of theirs may be seen in its place.
        """
        if root.rest:
            return self._method_signature(root)
        found: list[Signature] = []
        waiting = [root.name]
        seen = {root.name}
        while waiting:
            name = waiting.pop()
            for statement in self.effects.executed.binding(name):
                found += self._signature(name, statement)
                for maker in self.effects.executed.named(statement, self._makers(statement)):
                    if maker.name not in seen:
                        seen.add(maker.name)
                        waiting.append(maker.name)
        return found

    def _signature(self, name: Name, statement: Statement) -> list[Signature]:
        annotations = annotations_in(statement.node)
        if isinstance(node := statement.node, ast.FunctionDef) and not node.decorator_list:
            inner = {one for one in ast.walk(node) if isinstance(one, ast.FunctionDef)} - {node}
            annotations = annotations if inner and name else annotated(node)
        if not annotations:
            return []
        lead = self._annotations_lead(statement.module, annotations)
        return [Signature(str(name), lead)]

    def _makers(self, statement: Statement) -> Collection[Ref]:
        """Return the names of what makes the value that a statement binds."""
        match statement.node:
            case ast.FunctionDef(decorator_list=decorators) | ast.AsyncFunctionDef(decorator_list=decorators):
                return collect(decorators, self.effects.executed.code(statement)).refs
            case ast.ClassDef(bases=bases, keywords=keywords):
                return collect([*bases, *keywords], self.effects.executed.code(statement)).refs
            case node:
                return collect([node], self.effects.executed.code(statement), with_bodies=False).refs

    def _method_signature(self, root: Named) -> list[Signature]:
        code = self.resolver.code(root.name.module)
        chain = (root.name.name, *root.rest)
        found = locate(self.modules, code.module, chain, for_typing=False) if code is not None else None
        function = _function(found) if isinstance(found, Located) else None
        annotations = annotated(function) if function is not None else {}
        if not isinstance(found, Located) or not annotations:
            return []
        name = ".".join((f"{found.module.name}:{found.name}", *found.rest))
        return [Signature(name, self._annotations_lead(found.module.name, annotations))]

    def _annotations_lead(self, module: str, annotations: Mapping[str, ast.expr]) -> Dependency:
        """Return what annotations depend on. Names that nothing defines are left out: no input can be loaded by them."""
        chains = dict.fromkeys(chain for one in annotations.values() for chain in names_in_annotation(one))
        targets: dict[Named, None] = {}
        meanings: dict[str, JSON] = {}
        for chain in chains:
            found = self.resolver.resolve(module, Ref("", chain))
            targets.update(dict.fromkeys(target for target in found if isinstance(target, Named)))
            meanings[".".join(chain)] = [str(one) for one in found if not _is_builtin(one)]
        tree = canonical_tree([*annotations.values()])
        return Dependency(sha256_of([list(annotations), tree, meanings]), tuple(targets))

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

    def piece(self, statement: Statement) -> CodePiece:
        """Return a statement as it is written, decorators included; lines that it shares with others are whole."""
        if statement not in self._pieces:
            code = self.resolver.code(statement.module)
            assert code is not None
            node, module = statement.node, code.module
            first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", ()))])
            text = "\n".join(module.lines[first - 1 : node.end_lineno])
            self._pieces[statement] = CodePiece(text, str(module.file.path), first)
        return self._pieces[statement]

    def content(self, module: str) -> str:
        """Return a digest of the file of a module that cannot be parsed."""
        file = self.modules.find(module)
        if file is None or file.refusal is not None:
            return sha256_of(["absent", module])
        try:
            return hashlib.sha256(self._files.read(file.path)).hexdigest()
        except OSError:
            return sha256_of(["unreadable", module])

    def _lead(self, nodes: Sequence[ast.AST], statement: Statement, mentions: NameUsage) -> Dependency:
        module = statement.module
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
        for target in self._dynamic.targets(statement, mentions.dynamic, mentions.texts):
            targets[target] = False
        loads = [name for load in sorted(mentions.loads, key=str) for name in self.resolver.own_modules(load)]
        return Dependency(
            self._digest(nodes, statement, imported),
            tuple(target for target in targets if isinstance(target, Named | Whole)),
            tuple(dict.fromkeys(loads)),
            frozenset(one.name for one, aside in targets.items() if aside and isinstance(one, Named)),
            frozenset(mentions.reads),
            frozenset(self._handed_to(reads_docstrings, statement, mentions)),
            frozenset(self._handed_to(reads_annotations, statement, mentions)),
        )

    def _digest(self, nodes: Sequence[ast.AST], statement: Statement, imported: dict[str, JSON]) -> str:
        parts: list[JSON] = [canonical_tree(nodes), imported]
        makers = self.effects.mentions(statement).decorators
        if self.effects.reads_docstrings(statement) or any(
            reads_docstrings(maker)
            for ref in makers
            for one in self.resolver.resolve(statement.module, ref)
            for maker in self._makers_outside(one)
        ):
            parts += docstrings_in(statement.node)
        return sha256_of(parts)

    def _handed_to(
        self, reads: Callable[[str], bool], statement: Statement, mentions: NameUsage
    ) -> Iterator[Name]:
        """Yield functions and classes that are passed to code from outside that may read a part of them."""
        for callee, given in mentions.passed:
            if callee == LOCAL:
                dotted = self.effects.executed.outside(
                    statement, {one for level in mentions.levels for one in level.calls}
                )
            else:
                found = self.resolver.resolve(statement.module, callee)
                dotted = [
                    name
                    for one in found
                    for name in ([one.dotted] if isinstance(one, Outside) else self._makers_outside(one))
                ]
            is_signed = reads is reads_annotations and self._hands_on(statement, callee)
            if is_signed or any(map(reads, dotted)):
                yield from (one.name for one in self.effects.executed.named(statement, [given]))

    def _hands_on(self, statement: Statement, callee: Ref) -> bool:
        """Return whether code of the project may hand on what it is given to something that reads annotations.

        An object of the project with which functions are registered may choose by them, as `singledispatch` does.
        """
        executed = self.effects.executed
        return callee.chain[-1:] == ("register",) or any(
            executed.behind(one.name).reads_docstrings for one in executed.named(statement, [callee])
        )

    def _is_made_outside(self, target: Target) -> bool:
        return bool(self._makers_outside(target))

    def _makers_outside(self, target: Target) -> list[str]:
        """Return the calls from outside that made the object that a name holds: `app = typer.Typer()`; none for others."""
        if not isinstance(target, Named):
            return []
        makers: list[str] = []
        for statement in self.effects.executed.binding(target.name):
            match statement.node:
                case ast.Assign(value=ast.Call(func=callee)):
                    code = self.effects.executed.code(statement)
                    refs = collect([callee], code, with_bodies=False).refs
                    made = [one for ref in refs for one in self.resolver.resolve(code.name, ref)]
                    outside = [one.dotted for one in made if isinstance(one, Outside)]
                    if len(outside) == len(made):
                        makers += outside
                        continue
            return []
        return makers

    def _is_installed(self, module: str) -> bool:
        top = module.partition(".")[0]
        return bool(top) and top not in sys.stdlib_module_names and not self.modules.is_own(top)


def sha256_of(value: JSON) -> str:
    """Return 64 hex digits over a value's JSON with sorted keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _function(found: Located) -> Function | None:
    """Return the function that was located, the method that `rest` leads to, or `__init__` of a class."""
    nodes: list[ast.stmt] = [found.node]
    for part in (*found.rest, "__init__"):
        last = nodes[-1] if nodes else None
        if not isinstance(last, ast.ClassDef):
            break
        nodes = [one for one in last.body if getattr(one, "name", None) == part]
    last = nodes[-1] if nodes else None
    return last if isinstance(last, ast.FunctionDef | ast.AsyncFunctionDef) else None


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

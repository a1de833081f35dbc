"""Where statements lead: their digests, the names and modules that they need, what modules import.

Takes the modules of a project, gives for each statement a `Lead`, worked out once however many callables share
it. The digest is over the statement's tree and over what its imported names stand for: the tree alone would not
show that an import was redirected.
"""

from __future__ import annotations

import ast
import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipespec.document.nodes import JSON
from pipespec.plan.effects import Effects
from pipespec.plan.mentions import Mentions, collect, loaded_by
from pipespec.plan.model import CodePiece
from pipespec.plan.resolve import Name, Named, Outside, Resolver, Target, Whole
from pipespec.plan.statements import ModuleCode, Statement
from pipespec.plan.tree import annotated, canonical_tree
from pipespec.spec.bindings import ImportTarget
from pipespec.spec.modules import Function, ModuleFiles, ModuleProblem, Modules
from pipespec.spec.names import Located, locate

__all__ = ["Lead", "Leads", "Signature", "sha256_of"]


@dataclass(frozen=True, slots=True)
class Lead:
    """Where a statement leads: its digest, what it mentions of the project, the project's modules it imports.

    `aside` are names that only decorators mention and that hold an object made outside (`@app.command()`): they
    count, what else is registered with that object does not.
    """

    digest: str
    targets: tuple[Named | Whole, ...]
    loads: tuple[str, ...] = ()
    aside: frozenset[Name] = frozenset()


@dataclass(frozen=True, slots=True)
class Signature:
    """The annotations of a callable: `name` tells where it is defined, past aliases."""

    name: str
    lead: Lead


class Leads:
    """Works out where the statements of one project lead; remembers all of it."""

    def __init__(self, modules: Modules, files: ModuleFiles) -> None:
        self.modules = modules
        self.resolver = Resolver(modules)
        self.effects = Effects(self.resolver)
        self._files = files
        self._leads: dict[Statement, Lead] = {}
        self._pieces: dict[Statement, CodePiece] = {}
        self._imports: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}

    def lead(self, statement: Statement) -> Lead:
        """Return where a statement leads, the bodies of its functions included."""
        if statement not in self._leads:
            mentions = self.effects.mentions(statement)
            self._leads[statement] = self._lead([statement.node], statement.module, mentions)
        return self._leads[statement]

    def signature(self, root: Named) -> Signature | None:
        """Return where the annotations of a callable lead; None where it has none.

        What an annotation names and nothing defines is left out: nobody can load by it.
        """
        code = self.resolver.code(root.name.module)
        chain = (root.name.name, *root.rest)
        found = locate(self.modules, code.module, chain, for_typing=False) if code is not None else None
        function = _function(found) if isinstance(found, Located) else None
        annotations = annotated(function) if function is not None else {}
        if not isinstance(found, Located) or not annotations:
            return None
        code = ModuleCode(found.module)
        nodes = list(annotations.values())
        lead = self._lead(nodes, code.name, collect(nodes, code))
        named = tuple(target for target in lead.targets if isinstance(target, Named))
        name = ".".join((f"{code.name}:{found.name}", *found.rest))
        return Signature(name, Lead(sha256_of([list(annotations), lead.digest]), named, lead.loads))

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
        """Return a digest of a module that cannot be parsed: of its bytes where it can be read at all."""
        found = self.modules.get(module)
        file = found.file if isinstance(found, ModuleProblem) else None
        if file is None or file.refusal is not None:
            return sha256_of(["absent", module])
        try:
            return hashlib.sha256(self._files.read(file.path)).hexdigest()
        except OSError:
            return sha256_of(["unreadable", module])

    def _lead(self, nodes: Sequence[ast.AST], module: str, mentions: Mentions) -> Lead:
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
        return Lead(
            sha256_of([canonical_tree(nodes), imported]),
            tuple(target for target in targets if not isinstance(target, Outside)),
            tuple(dict.fromkeys(loads)),
            frozenset(one.name for one, aside in targets.items() if aside and isinstance(one, Named)),
        )

    def _is_made_outside(self, target: Target) -> bool:
        """Tell whether a name holds an object that a call of something outside made: `app = typer.Typer()`."""
        if not isinstance(target, Named) or (code := self.resolver.code(target.name.module)) is None:
            return False
        for statement in code.binding.get(target.name.name, ()):
            match statement.node:
                case ast.Assign(value=ast.Call(func=callee)):
                    refs = collect([callee], code).refs
                    made = [one for ref in refs for one in self.resolver.resolve(code.name, ref)]
                    if all(isinstance(one, Outside) for one in made):
                        continue
            return False
        return True

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

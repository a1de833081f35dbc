"""Imports by a text, and texts in which names are looked up: what these may reach in the project.

Takes what `name_usage` noted for a statement and returns targets. If the beginning of a text is known, all modules that
fit it count. If nothing is known about it, all modules of the package of the statement count, or those of the project if it
is in no package.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence

from pipespec.python.identity.hidden_names import names_in_text
from pipespec.python.identity.mentions import DynamicName, Ref
from pipespec.python.identity.module_statements import Statement
from pipespec.python.identity.name_meaning import Name, Named, Outside, Resolver, Target, Whole
from pipespec.python.identity.text_templates import Template, TextReader, pattern_of
from pipespec.python.modules import Modules
from pipespec.python.name_resolution import Chain, chain_of

__all__ = ["DynamicImports"]


class DynamicImports:
    """Finds what texts of one project name."""

    def __init__(self, modules: Modules, resolver: Resolver) -> None:
        self._modules = modules
        self._resolver = resolver

    def targets(
        self, statement: Statement, dynamic: Sequence[DynamicName], texts: Iterable[str]
    ) -> list[Target]:
        """Return what the dynamic names of a statement, and texts in it that look like names, may stand for."""
        found: dict[Target, None] = {}
        for one in dynamic:
            targets = self._imported(statement, one) if one.is_module else self._read(statement, one)
            found.update(dict.fromkeys(targets))
        for text in sorted(texts):
            found.update(dict.fromkeys(self._named(statement.module, text)))
        return list(found)

    def _imported(self, statement: Statement, name: DynamicName) -> Iterator[Target]:
        reader = self._reader(statement)
        names = reader.texts(name.text) if name.text is not None else [(None,)]
        bases: list[Template] = [(reader.package,)]
        if name.package is not None:
            bases = reader.texts(name.package)
        found: dict[str, None] = {}
        for template in names:
            for full in _absolute(template, bases):
                fitting = self._fitting(full)
                if fitting is None:
                    yield from self._all_around(statement)
                    return
                found.update(dict.fromkeys(fitting))
        for module in found:
            yield Whole(module, f"{statement.module} imports it by a text")

    def _fitting(self, template: Template) -> Sequence[str] | None:
        """Return the project's modules that a text may name, or None if it may name any."""
        if None not in template:
            module = "".join(part for part in template if part).replace(":", ".")
            return [one for one in _and_around(module) if self._modules.is_own(one)]
        pattern = pattern_of(template)
        if pattern is None:
            return None
        package = str(template[0]).rpartition(".")[0]
        if package and not self._modules.is_own(package):
            return []
        fits = re.compile(pattern).match
        return [one for one in self._modules.below(package) if fits(one)]

    def _all_around(self, statement: Statement) -> Iterator[Target]:
        top, dot, _ = statement.module.partition(".")
        code = self._resolver.code(statement.module)
        is_package = bool(dot) or (code is not None and code.module.file.is_package)
        why = f"{statement.module} imports modules by a text that is not known before it runs"
        for module in dict.fromkeys(
            (
                statement.module,
                *([top] if is_package else ()),
                *self._modules.below(top if is_package else ""),
            )
        ):
            yield Whole(module, why)

    def _read(self, statement: Statement, name: DynamicName) -> Iterator[Target]:
        """Yield what names in a text stand for that is handed to a query; the whole module where it is not known."""
        assert name.text is not None
        reader = self._reader(statement)
        templates = reader.texts(name.text)
        if (None,) in templates:
            if not self._is_no_text(reader, name.text):
                yield Whole(statement.module, "it looks up names in a text that is not known before it runs")
            return
        for part in dict.fromkeys(part for template in templates for part in template if part):
            for chain, is_certain in names_in_text(part):
                code = self._resolver.code(statement.module)
                if is_certain or (code is not None and chain[0] in code.module.bindings):
                    yield from self._resolver.resolve(statement.module, Ref("", chain))

    def _is_no_text(self, reader: TextReader, node: ast.expr) -> bool:
        """Return whether an argument is a class, or something of a library, so no text to look up names in."""
        chain = chain_of(node)
        if chain is None or reader.is_local(chain[0]):
            return False
        found = self._resolver.resolve(reader.module, Ref("", chain))
        return all(
            isinstance(one, Outside)
            or (
                isinstance(one, Named)
                and all(isinstance(each.node, ast.ClassDef) for each in self._binding(one.name))
            )
            for one in found
        )

    def _named(self, module: str, text: str) -> Iterator[Target]:
        """Yield the module of the project, or the name in one, that a text in its code spells."""
        dotted = text.replace(":", ".")
        if self._modules.is_own(dotted):
            yield Whole(dotted, f"{module} names it in a text")
            return
        owner, _, name = dotted.rpartition(".")
        if self._modules.is_own(owner) and self._binding(Name(owner, name)):
            yield Named(Name(owner, name))

    def _reader(self, statement: Statement) -> TextReader:
        code = self._resolver.code(statement.module)
        package = code.module.package if code is not None else ""
        return TextReader(
            statement.node, statement.module, package, lambda chain: self._constants(statement.module, chain)
        )

    def _constants(self, module: str, chain: Chain) -> list[ast.expr]:
        """Return the values that a name of a module is bound to; none if not all of its bindings are known."""
        values: list[ast.expr] = []
        for target in self._resolver.resolve(module, Ref("", chain)):
            if not isinstance(target, Named) or target.rest:
                return []
            for statement in self._binding(target.name):
                match statement.node:
                    case (
                        ast.Assign(targets=[ast.Name()], value=value)
                        | ast.AnnAssign(value=ast.expr() as value)
                    ):
                        values.append(value)
                    case _:
                        return []
        return values

    def _binding(self, name: Name) -> Sequence[Statement]:
        code = self._resolver.code(name.module)
        return code.binding.get(name.name, ()) if code is not None else ()


def _absolute(template: Template, bases: Sequence[Template]) -> list[Template]:
    """Put a package before a relative name."""
    first = template[0] if template else None
    if not first or not first.startswith("."):
        return [template]
    rest = first.lstrip(".")
    up = len(first) - len(rest) - 1
    found: list[Template] = []
    for base in bases:
        known = "".join(part for part in base if part) if None not in base else None
        if known is None:
            return [(None,)]
        parts = known.split(".")
        package = ".".join(parts[: len(parts) - up])
        found.append((f"{package}.{rest}", *template[1:]))
    return found


def _and_around(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[:length]) for length in range(len(parts), 0, -1)][:2]

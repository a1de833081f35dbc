"""Mentions -> what they refer to: names of the project, whole modules of it, or something outside.

Follows imports and re-exports to their ends. A name that is bound several times refers to all of its values. If this cannot be
determined, it refers to the whole module, with the reason.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Collection, Sequence
from typing import Final, NamedTuple, TypeAlias

from pipespec.frozen_values import frozen
from pipespec.python.identity.mentions import ITEM, LOCAL, Ref
from pipespec.python.identity.module_statements import ModuleCode
from pipespec.python.modules import Module, Modules
from pipespec.python.name_resolution import Chain
from pipespec.python.statement_bindings import ImportTarget, absolute_module, import_targets, stored_names

__all__ = ["BindingOrder", "Name", "Named", "Outside", "Resolver", "Target", "Whole"]

_BUILTINS: Final = frozenset(dir(builtins)) | {"PythonFinalizationError", "WindowsError"}  # of any Python


_IMPLICIT: Final = frozenset(
    f"__{word}__"
    for word in (
        "annotations",
        "builtins",
        "class",
        "doc",
        "file",
        "loader",
        "name",
        "package",
        "path",
        "spec",
    )
)
"""Names that every module has."""


class Name(NamedTuple):
    """A name in a module of the project."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}:{self.name}"


@frozen
class Named:
    """A name that a module of the project binds itself; `rest` are attributes of what it holds."""

    name: Name
    rest: Chain = ()

    def __str__(self) -> str:
        return str(self.name)


@frozen
class Whole:
    """A module of the project of which all counts; `why` ends a sentence."""

    module: str
    why: str

    def __str__(self) -> str:
        return self.module


@frozen
class Outside:
    """Something installed or built in, by its absolute name."""

    dotted: str
    is_builtin: bool = False

    def __str__(self) -> str:
        return self.dotted


@frozen
class BindingOrder:
    """The order of several bindings of one name, at least one of them an import: the last one wins."""

    text: str

    def __str__(self) -> str:
        return self.text


Target: TypeAlias = Named | Whole | Outside | BindingOrder


class Resolver:
    """Determines what mentions refer to in one project, and keeps the results."""

    def __init__(self, modules: Modules) -> None:
        self._modules = modules
        self._codes: dict[str, ModuleCode | None] = {}
        self._resolved: dict[tuple[str, Ref], tuple[Target, ...]] = {}

    def code(self, module: str) -> ModuleCode | None:
        """Return the statements of a module of the project, or None if it cannot be read."""
        if module not in self._codes:
            found = self._modules.get(module)
            self._codes[module] = ModuleCode(found) if isinstance(found, Module) else None
        return self._codes[module]

    def own_modules(self, target: ImportTarget) -> tuple[str, ...]:
        """Return the project's modules that importing this loads, without the packages around them."""
        below = self._exported(target.module) if target.attribute == "*" else [target.attribute or ""]
        names = [target.module, *(f"{target.module}.{name}" for name in below if name)]
        return tuple(name for name in names if self._modules.is_own(name))

    def stars(self, code: ModuleCode) -> list[Whole]:
        """Return the project's modules of which a module imports all names."""
        own = (star for star in code.module.stars if self._modules.is_own(star))
        return [Whole(star, f"{code.name} imports all of its names") for star in own]

    def _exported(self, module: str) -> list[str]:
        """Return the names that the `__all__` of a module spells: an import of all names loads submodules among them."""
        code = self.code(module) if self._modules.is_own(module) else None
        nodes = [one.node for one in code.binding.get("__all__", ())] if code is not None else []
        texts = [one.value for node in nodes for one in ast.walk(node) if isinstance(one, ast.Constant)]
        return [text for text in texts if isinstance(text, str) and text.isidentifier()]

    def resolve(self, module: str, ref: Ref) -> tuple[Target, ...]:
        """Return all that a mention in a module may stand for, in an order that does not change; nothing, of what is local."""
        if ref == LOCAL:
            return ()
        key = module, ref
        if key not in self._resolved:
            found = dict.fromkeys(self._resolve(module, ref))
            self._resolved[key] = tuple(sorted(found, key=lambda one: (type(one).__name__, str(one))))
        return self._resolved[key]

    def _resolve(self, module: str, ref: Ref) -> list[Target]:
        found: list[Target] = []
        waiting: list[tuple[str, Chain]] = []
        if ref.module:
            self._enter(ImportTarget(ref.module), ref.chain, module, found, waiting)
        else:
            waiting.append((module, ref.chain))
        seen: set[tuple[str, Chain]] = set()
        while waiting:
            place = waiting.pop()
            if place not in seen:
                seen.add(place)
                self._look_up(*place, found, waiting)
        if not any(isinstance(one, Named | Whole | Outside) for one in found):
            found.append(
                Whole(module, f"what '{'.'.join(ref.chain) or ref.module}' is there goes in a circle")
            )
        return found

    def _look_up(
        self, module: str, chain: Chain, found: list[Target], waiting: list[tuple[str, Chain]]
    ) -> None:
        """Add what a chain stands for in a module, or where to look on."""
        code = self.code(module)
        if code is None:
            found.append(Whole(module, "it cannot be read"))
            return
        head, rest = chain[0], chain[1:]
        bindings = code.module.bindings.get(head, ())
        imports = [one.target for one in bindings if one.target and not one.typing_only]
        stars = self._stars_with(code, head)
        for target in imports:
            self._enter(target, rest, module, found, waiting)
        if head in code.binding:
            found.append(Named(Name(module, head), rest))
        elif bindings and not imports:  # a name for type checkers: nothing that runs has it
            found.append(Outside(".".join((module, *chain))))
        if not bindings and not stars:
            self._look_beyond(code, chain, found, waiting)
            return
        for star in stars:
            waiting.append((star, chain))
            if "__all__" in self._binding_of(star):
                found.append(Named(Name(star, "__all__")))
        if len(bindings) + len(stars) > 1 and (imports or stars):
            found.append(BindingOrder(_order(code, head, stars)))
        if bindings and self._is_hidden_submodule(code, head, imports):
            self._enter(ImportTarget(f"{module}.{head}"), rest, module, found, waiting)

    def _stars_with(self, code: ModuleCode, name: str) -> list[str]:
        """Return the modules of the project whose names a module imports all, and that bind this one or cannot be read."""
        own = [star for star in dict.fromkeys(code.module.stars) if self._modules.is_own(star)]
        return [star for star in own if self._binds(star, name) or self.code(star) is None]

    def _binding_of(self, module: str) -> Collection[str]:
        code = self.code(module)
        return code.binding if code is not None else ()

    def _is_hidden_submodule(self, code: ModuleCode, name: str, imports: Sequence[ImportTarget]) -> bool:
        """Return whether a package has a submodule of a name that it binds to something else: whichever came last counts."""
        dotted = f"{code.name}.{name}"
        if not code.module.file.is_package or any(target.module == dotted for target in imports):
            return False
        return ImportTarget(code.name, name) not in imports and self._modules.find(dotted) is not None

    def _look_beyond(
        self, code: ModuleCode, chain: Chain, found: list[Target], waiting: list[tuple[str, Chain]]
    ) -> None:
        """Add what a name may be that its module does not bind."""
        module, head = code.name, chain[0]
        if code.module.file.is_package and self._modules.find(f"{module}.{head}") is not None:
            self._enter(ImportTarget(f"{module}.{head}"), chain[1:], module, found, waiting)
        elif head == "__path__" and code.module.file.is_package:
            found.append(Whole(module, f"{module} looks for the modules in it"))
            found += [Whole(one, f"{module} looks for it") for one in self._modules.below(module)]
        elif head in _BUILTINS or head in _IMPLICIT:
            found.append(Outside(".".join(chain), is_builtin=True))
        elif "__getattr__" in code.binding:
            found.append(Named(Name(module, "__getattr__")))
        elif code.module.stars:
            found += self.stars(code)
            found += [Outside(f"{star}.*") for star in code.module.stars if not self._modules.is_own(star)]
        else:
            found.append(Whole(module, f"nothing in it binds '{head}'"))

    def _enter(
        self,
        target: ImportTarget,
        rest: Chain,
        user: str,
        found: list[Target],
        waiting: list[tuple[str, Chain]],
    ) -> None:
        """Go to the module that an import names, and on into its submodules as far as the chain names them."""
        module = target.module
        chain = (target.attribute, *rest) if target.attribute is not None else rest
        while True:
            if not self._modules.is_own(module):
                found.append(Outside(".".join((module, *chain))))
            elif not chain or chain[0] in (ITEM, "__dict__"):
                found.append(Whole(module, f"{user} uses it as a value"))
            elif self._is_submodule(module, chain[0]):
                module, chain = f"{module}.{chain[0]}", chain[1:]
                continue
            else:
                waiting.append((module, chain))
            return

    def _is_submodule(self, module: str, name: str) -> bool:
        """Return whether `module.name` is a module; what the package itself binds by that name goes first."""
        code = self.code(module)
        if code is None or name in code.binding:
            return False
        bindings = [one.target for one in code.module.bindings.get(name, ()) if not one.typing_only]
        if any(
            target not in (ImportTarget(module, name), ImportTarget(f"{module}.{name}"))
            for target in bindings
        ):
            return False
        return self._modules.find(f"{module}.{name}") is not None

    def _binds(self, module: str, name: str) -> bool:
        """Return whether a module, or one whose names it imports all, binds a name."""
        waiting, seen = [module], set()
        while waiting:
            one = waiting.pop()
            code = self.code(one)
            if one in seen or code is None:
                continue
            seen.add(one)
            is_submodule = code.module.file.is_package and self._modules.find(f"{one}.{name}") is not None
            if name in code.module.bindings or (is_submodule and name in self._exported(one)):
                return True
            waiting += code.module.stars
        return False


def _order(code: ModuleCode, name: str, stars: Collection[str]) -> str:
    """Write what binds a name, in the order of the text; star imports count where they may."""
    parts: list[str] = []
    for node, typing_only in code.module.statements:
        if typing_only:
            continue
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
            module = absolute_module(node, code.module.package)
            parts += [f"*{module}"] if module in stars else []
        elif isinstance(node, ast.Import | ast.ImportFrom):
            targets = [target for bound, target in import_targets(node, code.module.package) if bound == name]
            parts += [f"{target.module}.{target.attribute or ''}" for target in targets]
        elif name in stored_names(node):
            parts.append("=")
    return f"{code.name}:{name} {' '.join(parts)}"

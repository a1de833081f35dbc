"""Mentions -> what they stand for: a project's own names, whole modules of it, or something outside.

Follows imports and re-exports to their ends. A name that is bound several times stands for all of its meanings;
what cannot be told stands for the whole module, with the reason.
"""

from __future__ import annotations

import builtins
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from pipespec.plan.mentions import ITEM, Ref
from pipespec.plan.statements import ModuleCode
from pipespec.spec.bindings import ImportTarget
from pipespec.spec.modules import Module, Modules
from pipespec.spec.names import Chain

__all__ = ["Name", "Named", "Outside", "Resolver", "Target", "Whole"]

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


@dataclass(frozen=True, slots=True)
class Named:
    """A name that a module of the project binds itself; `rest` are attributes of what it holds."""

    name: Name
    rest: Chain = ()

    def __str__(self) -> str:
        return str(self.name)


@dataclass(frozen=True, slots=True)
class Whole:
    """A module of the project of which all counts; `why` ends a sentence."""

    module: str
    why: str

    def __str__(self) -> str:
        return self.module


@dataclass(frozen=True, slots=True)
class Outside:
    """Something installed or built in, by its absolute name."""

    dotted: str
    is_builtin: bool = False

    def __str__(self) -> str:
        return self.dotted


Target: TypeAlias = Named | Whole | Outside


class Resolver:
    """Tells what mentions stand for in one project; remembers what it found."""

    def __init__(self, modules: Modules) -> None:
        self._modules = modules
        self._codes: dict[str, ModuleCode | None] = {}
        self._resolved: dict[tuple[str, Ref], tuple[Target, ...]] = {}

    def code(self, module: str) -> ModuleCode | None:
        """Return the statements of a module of the project; None where it cannot be read."""
        if module not in self._codes:
            found = self._modules.get(module)
            self._codes[module] = ModuleCode(found) if isinstance(found, Module) else None
        return self._codes[module]

    def own_modules(self, target: ImportTarget) -> tuple[str, ...]:
        """Return the project's modules that importing this loads, without the packages around them."""
        names = [target.module]
        if target.attribute is not None:
            names.append(f"{target.module}.{target.attribute}")
        return tuple(name for name in names if self._modules.is_own(name))

    def resolve(self, module: str, ref: Ref) -> tuple[Target, ...]:
        """Return all that a mention in a module may stand for, in an order that does not change."""
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
        for target in imports:
            self._enter(target, rest, module, found, waiting)
        if head in code.binding:
            found.append(Named(Name(module, head), rest))
        elif bindings and not imports:  # a name for type checkers: nothing that runs has it
            found.append(Outside(".".join((module, *chain))))
        elif not imports:
            self._look_beyond(code, chain, found, waiting)

    def _look_beyond(
        self, code: ModuleCode, chain: Chain, found: list[Target], waiting: list[tuple[str, Chain]]
    ) -> None:
        """Add what a name may be that its module does not bind."""
        module, head = code.name, chain[0]
        if code.module.file.is_package and self._modules.find(f"{module}.{head}") is not None:
            self._enter(ImportTarget(f"{module}.{head}"), chain[1:], module, found, waiting)
            return
        stars = [star for star in code.module.stars if self._modules.is_own(star)]
        if holders := [star for star in stars if self._binds(star, head)]:
            waiting += [(star, chain) for star in holders]
        elif head in _BUILTINS or head in _IMPLICIT:
            found.append(Outside(".".join(chain), is_builtin=True))
        elif code.module.stars:
            found += [Whole(star, f"{module} imports all of its names") for star in stars]
            found += [Outside(f"{star}.*") for star in code.module.stars if star not in stars]
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
            elif not chain or chain[0] == ITEM:
                found.append(Whole(module, f"{user} uses it as a value"))
            elif self._is_submodule(module, chain[0]):
                module, chain = f"{module}.{chain[0]}", chain[1:]
                continue
            else:
                waiting.append((module, chain))
            return

    def _is_submodule(self, module: str, name: str) -> bool:
        """Tell whether `module.name` is a module; what the package itself binds by that name goes first."""
        code = self.code(module)
        if code is None or name in code.binding:
            return False
        if any(not one.typing_only for one in code.module.bindings.get(name, ())):
            return False
        return self._modules.find(f"{module}.{name}") is not None

    def _binds(self, module: str, name: str) -> bool:
        """Tell whether a module, or one whose names it imports all, binds a name."""
        waiting, seen = [module], set()
        while waiting:
            one = waiting.pop()
            code = self.code(one)
            if one in seen or code is None:
                continue
            seen.add(one)
            if name in code.module.bindings:
                return True
            waiting += code.module.stars
        return False

"""The import statements that bring counted code into counted code, so that a redirected one can be shown.

Takes the names that count for a callable and the modules of the project. Returns the statements by what they bind:
`steps:clean` -> `from text import clean`. These statements are not part of a key; the code that they import is.
"""

from __future__ import annotations

from collections.abc import Iterable

from pipespec.python.identity.code_facts import CodePiece
from pipespec.python.modules import Module, ModuleBinding, Modules

__all__ = ["import_lines"]


def import_lines(counted: Iterable[str], modules: Modules) -> dict[str, CodePiece]:
    """Return the statements at the top of modules with counted code that import something counted, by bound name."""
    names = frozenset(counted)
    owners = sorted({name.partition(":")[0].removesuffix(" annotations") for name in names})
    return {
        f"{owner}:{name}": CodePiece(_text(module, binding), str(module.file.path), binding.node.lineno)
        for owner in owners
        if isinstance(module := modules.get(owner), Module)
        for name, bindings in module.bindings.items()
        for binding in bindings
        if _leads_to_any(binding, names, owners)
    }


def _leads_to_any(binding: ModuleBinding, names: frozenset[str], owners: list[str]) -> bool:
    target = binding.target
    if target is None:
        return False
    if target.attribute is None:
        return target.module in owners
    whole = f"{target.module}.{target.attribute}"
    return f"{target.module}:{target.attribute}" in names or target.module in names or whole in owners


def _text(module: Module, binding: ModuleBinding) -> str:
    end = binding.node.end_lineno or binding.node.lineno
    return "\n".join(line.strip() for line in module.lines[binding.node.lineno - 1 : end])

"""What statements mention of the world outside themselves: names of their module, imports, effects.

Takes top-level statements, gives the global names that they use (those of arguments, locals and comprehensions
apart), and of what runs at once when they are executed: what they call, hand over and change. Says nothing of
what a name stands for; that is `resolve`'s part.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias

from pipespec.plan.scopes import Names, Scope, argument_names, bound_names, names_in, type_parameters
from pipespec.plan.statements import ModuleCode
from pipespec.plan.tree import children
from pipespec.spec.bindings import ImportTarget, absolute_module, branches, import_targets
from pipespec.spec.modules import Function
from pipespec.spec.names import Chain, chain_of

__all__ = ["ITEM", "Mentions", "Ref", "collect", "loaded_by"]

ITEM: Final = "[]"
"""Stands in a chain for an item: `X[...] = 1` changes `X.[]`."""

_DEEPEST: Final = 2
_INITIALISERS: Final = frozenset({"__init__", "__new__", "__post_init__"})
_OPEN_ENDED: Final = frozenset({"eval", "exec", "globals", "__import__"})
"""Built-ins by which code reaches names that its text does not show."""


_PLAIN: Final = frozenset(
    {
        *(
            ast.Assert,
            ast.Assign,
            ast.Await,
            ast.BinOp,
            ast.BoolOp,
            ast.Compare,
            ast.Dict,
            ast.FormattedValue,
        ),
        *(
            ast.For,
            ast.IfExp,
            ast.JoinedStr,
            ast.List,
            ast.Raise,
            ast.Return,
            ast.Set,
            ast.Slice,
            ast.Starred,
        ),
        *(ast.Tuple, ast.UnaryOp, ast.While, ast.With, ast.keyword, ast.withitem),
    }
)
"""Nodes that say nothing themselves; asked first, since a match tries case after case."""


class Ref(NamedTuple):
    """A mentioned name with the attributes after it.

    `module` is empty for a name of the statement's own module; else the absolute module that an import within
    the statement names, and `chain` leads on from there (empty for the module itself).
    """

    module: str
    chain: Chain


@dataclass(slots=True)
class Mentions:
    """What some statements mention.

    `refs` is everything. Level 0 is what runs with the statement, level 1 what runs when the function or class
    that it defines is called, level 2 what runs when one of the class's other methods is. `handed` are names that
    level 0 hands to a call or a decorator, or changes; `stores` those whose attribute or item it sets; `bases`
    those that it derives from. `calls` and `drops` are by level: what is called, and what is called without
    taking its result, or is stored to.
    `decorating` are names that only decorators mention. `loads` are the imports within. `open_ended` is what may
    reach names that the text does not show.
    """

    refs: set[Ref] = field(default_factory=set)
    handed: set[Ref] = field(default_factory=set)
    stores: set[Ref] = field(default_factory=set)
    decorating: set[Ref] = field(default_factory=set)
    bases: set[Ref] = field(default_factory=set)
    calls: tuple[set[Ref], ...] = field(default_factory=lambda: (set(), set(), set()))
    drops: tuple[set[Ref], ...] = field(default_factory=lambda: (set(), set(), set()))
    loads: set[ImportTarget] = field(default_factory=set)
    open_ended: set[str] = field(default_factory=set)


class _At(NamedTuple):
    """Where the walk is: below which scope and level; whether what it meets is handed to code that runs at once."""

    scope: Scope | None = None
    level: int = 0
    handed: bool = False
    in_decorator: bool = False
    in_class: bool = False


_Work: TypeAlias = tuple[ast.AST, _At]


def collect(
    nodes: Sequence[ast.AST], code: ModuleCode, *, all_handed: bool = False, with_bodies: bool = True
) -> Mentions:
    """Collect what some nodes of a module mention.

    With `all_handed` every name at level 0 counts as handed over; without `with_bodies` only level 0 is looked at.
    """
    walk = _Walk(code, with_bodies=with_bodies)
    walk.run(nodes, _At(handed=all_handed))
    return walk.found


class _Walk:
    """One walk over statements, with a stack of its own."""

    def __init__(self, code: ModuleCode, *, with_bodies: bool) -> None:
        self.found = Mentions()
        self._code = code
        self._package = code.module.package
        self._with_bodies = with_bodies
        self._elsewhere: set[Ref] = set()
        self._waiting: list[_Work] = []

    def run(self, nodes: Sequence[ast.AST], at: _At) -> None:
        self._push(nodes, at)
        while self._waiting:
            node, where = self._waiting.pop()
            self._visit(node, where)
        self.found.decorating -= self._elsewhere

    def _push(self, nodes: Iterable[ast.AST | None], at: _At) -> None:
        self._waiting += [(node, at) for node in nodes if node is not None]

    def _visit(self, node: ast.AST, at: _At) -> None:
        if type(node) in _PLAIN:
            self._waiting += [(child, at) for child in children(node)]
            return
        match node:
            case ast.Name():
                self._mention((node.id,), at)
            case ast.Attribute() | ast.Subscript():
                self._access(node, at)
            case ast.Constant():
                return
            case ast.Call():
                self._call(node, at)
            case ast.Expr(value=ast.Call(func=ast.Name(id="setattr" | "delattr"), args=[place, *_]) as call):
                self._store(chain_of(place), at)
                self._push([call], at)
            case ast.Expr(value=ast.Call() as call) | ast.Expr(value=ast.Await(value=ast.Call() as call)):
                self._drop(chain_of(call.func), at)
                self._push([call], at)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._function(node, at)
            case ast.Lambda():
                self._push([*node.args.defaults, *node.args.kw_defaults], at)
                inner = at._replace(level=at.level + 1)
                self._body([node.body], argument_names(node.args), inner)
            case ast.ClassDef():
                self._class(node, at)
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                self._comprehension(node, at)
            case ast.Import() | ast.ImportFrom():
                self.found.loads.update(loaded_by(node, self._package))
            case ast.Global(names=names):
                for name in names:
                    self._add(Ref("", (name,)), at)
            case ast.AnnAssign():
                self._push([node.target, node.value, node.annotation if at.in_class else None], at)
            case ast.If(test=test):
                self._push([test], at)
                for block, typing_only in branches(node):
                    self._push([] if typing_only else block, at)
            case _:
                self._push(children(node), at)

    def _function(self, node: Function, at: _At) -> None:
        self._push(node.decorator_list, at._replace(handed=at.handed or at.level == 0, in_decorator=True))
        outside = at._replace(in_class=False)
        self._push([*node.args.defaults, *node.args.kw_defaults], outside)
        if node.decorator_list:  # a decorator may read them
            arguments = [arg for arg in ast.iter_child_nodes(node.args) if isinstance(arg, ast.arg)]
            self._push([*(arg.annotation for arg in arguments), node.returns], outside)
        names = {**bound_names(node.body, self._package), **argument_names(node.args)}
        deeper = 2 if at.in_class and node.name not in _INITIALISERS else 1
        inner = at._replace(level=at.level + deeper, handed=False)
        self._body(node.body, {**names, **type_parameters(node)}, inner)

    def _body(self, nodes: Sequence[ast.AST], names: Names, at: _At) -> None:
        """Go into what runs only when it is called; into a lambda always where it is handed over."""
        if self._with_bodies or at.handed:
            self._push(nodes, _At(Scope(names, at.scope), at.level, at.handed))

    def _class(self, node: ast.ClassDef, at: _At) -> None:
        handed = at._replace(handed=at.handed or at.level == 0, in_class=False)
        self._push(node.decorator_list, handed._replace(in_decorator=True))
        self._push(node.keywords, handed)
        self._push(node.bases, at._replace(in_class=False))
        if at.level == 0:
            chains = [
                chain_of(base.value if isinstance(base, ast.Subscript) else base) for base in node.bases
            ]
            self.found.bases.update(ref for chain in chains if chain for ref in self._refs(chain, at.scope))
        names = {**bound_names(node.body, self._package), **type_parameters(node)}
        self._push(node.body, at._replace(scope=Scope(names, at.scope, is_class=True), in_class=True))

    def _comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp, at: _At
    ) -> None:
        first, *others = node.generators
        self._push([first.iter], at)
        names = dict.fromkeys((name for part in node.generators for name in names_in(part.target)), ())
        inner = at._replace(scope=Scope(names, at.scope))
        values = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        targets = [part.target for part in node.generators]
        self._push([*values, *targets, *first.ifs], inner)
        self._push([child for part in others for child in (part.iter, *part.ifs)], inner)

    def _access(self, node: ast.Attribute | ast.Subscript, at: _At) -> None:
        """Take `a.b.c` as one mention; a store or `del` of it, or of an item, changes what comes before."""
        if isinstance(node, ast.Subscript):
            chain = chain_of(node.value)
            self._push([node.slice], at)
            chain = chain and (*chain, ITEM)
            base = node.value
        else:
            chain, base = chain_of(node), node.value
        if not isinstance(node.ctx, ast.Load):
            self._store(chain, at)
        if chain is None:
            self._push([base], at)
        else:
            self._mention(chain, at)

    def _call(self, node: ast.Call, at: _At) -> None:
        chain = chain_of(node.func)
        is_pure = self._code.is_pure(chain) if chain else _is_method_of_literal(node.func)
        inner = at if is_pure or at.level else at._replace(handed=True)
        if chain is not None:
            if at.level <= _DEEPEST:
                self.found.calls[at.level].update(self._refs(chain, at.scope))
            self._note_open_end(chain, node, at)
        self._push([node.func, *node.args, *node.keywords], inner)

    def _note_open_end(self, chain: Chain, node: ast.Call, at: _At) -> None:
        if chain[-1] not in ("import_module", "__import__"):
            if len(chain) == 1 and chain[0] in _OPEN_ENDED and not (at.scope and at.scope.is_local(chain[0])):
                self.found.open_ended.add(chain[0])
            return
        match node.args:
            case [ast.Constant(value=str(module))] if not module.startswith("."):
                self._add(Ref(module, ()), at)
                self.found.loads.add(ImportTarget(module))
            case _:
                self.found.open_ended.add(chain[-1])

    def _drop(self, chain: Chain | None, at: _At) -> None:
        if chain is not None and at.level <= _DEEPEST:
            refs = self._refs(chain, at.scope)
            self.found.drops[at.level].update(refs)
            if at.level == 0:
                self.found.handed.update(refs)

    def _store(self, chain: Chain | None, at: _At) -> None:
        self._drop(chain, at)
        if chain is not None and at.level == 0:
            self.found.stores.update(self._refs(chain, at.scope))

    def _mention(self, chain: Chain, at: _At) -> None:
        if chain[:2] == ("sys", "modules"):
            self.found.open_ended.add("sys.modules")
        for ref in self._refs(chain, at.scope):
            self._add(ref, at)

    def _add(self, ref: Ref, at: _At) -> None:
        self.found.refs.add(ref)
        if at.handed:
            self.found.handed.add(ref)
        (self.found.decorating if at.in_decorator else self._elsewhere).add(ref)

    def _refs(self, chain: Chain, scope: Scope | None) -> list[Ref]:
        """Tell what a name refers to: nothing outside for a local, else its module's name or an import."""
        name, rest = chain[0], chain[1:]
        innermost = scope
        while scope is not None:
            if name in scope.names and (not scope.is_class or scope is innermost):
                targets = scope.names[name]
                if targets is None:
                    break
                if targets:
                    return [
                        Ref(target.module, (target.attribute, *rest) if target.attribute else rest)
                        for target in targets
                    ]
                if not scope.is_class or name not in self._code.module.bindings:
                    return []  # else: what a class body binds is the module's until then
            scope = scope.outer
        return [Ref("", chain)]


def _is_method_of_literal(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Constant | ast.JoinedStr)


def loaded_by(node: ast.Import | ast.ImportFrom, package: str) -> Iterator[ImportTarget]:
    """Yield what an import statement loads: of `import a.b.c` all of it, not just the `a` that it binds."""
    if isinstance(node, ast.Import):
        yield from (ImportTarget(alias.name) for alias in node.names)
    else:
        yield ImportTarget(absolute_module(node, package))
        yield from (target for _, target in import_targets(node, package))

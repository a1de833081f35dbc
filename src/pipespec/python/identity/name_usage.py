"""What statements use from outside: names of their module, imports, effects.

Takes top-level statements. Returns the global names that they use (not those of arguments, local variables and
comprehensions), and what they call, pass on and change, by the time at which it happens: when they are executed, or when what
they define is called. `name_meaning` determines what a name refers to.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, TypeAlias

from pipespec.python.identity.canonical_tree import children
from pipespec.python.identity.expression_parts import SILENT_NODES, is_method_of_literal, loaded_by, root_of
from pipespec.python.identity.hidden_names import (
    HIDDEN,
    HIDDEN_ATTRIBUTES,
    IMPORTERS,
    READING_ATTRIBUTES,
    READING_CALLS,
    TEXT_READERS,
    names_in_text,
)
from pipespec.python.identity.mentions import ITEM, LOCAL, DynamicName, LevelUsage, NameUsage, Ref
from pipespec.python.identity.module_statements import ModuleCode
from pipespec.python.identity.readable_parts import annotated, names_in_annotation, quoted_names
from pipespec.python.identity.scopes import (
    Names,
    Scope,
    argument_names,
    bound_names,
    names_in,
    type_parameters,
)
from pipespec.python.modules import Function
from pipespec.python.name_resolution import Chain, chain_of
from pipespec.python.statement_bindings import branches, import_targets

__all__ = ["collect"]

_DEEPEST: Final = 3
_INITIALISERS: Final = frozenset({"__init__", "__new__", "__post_init__"})
_SHARED_MODULES: Final = frozenset({"sys", "builtins", "importlib", "gc", "inspect"})
"""Modules that give access to all others; as a value one of them could be used for that."""


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
) -> NameUsage:
    """Collect what some nodes of a module mention.

    With `all_handed` every name at level 0 counts as handed over; without `with_bodies` only level 0 is looked at.
    """
    walk = _Walk(code, with_bodies=with_bodies)
    walk.run(nodes, _At(handed=all_handed))
    return walk.found


class _Walk:
    """One walk over statements, with a stack of its own."""

    def __init__(self, code: ModuleCode, *, with_bodies: bool) -> None:
        self.found = NameUsage()
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
        if type(node) in SILENT_NODES:
            self._waiting += [(child, at) for child in children(node)]
            return
        match node:
            case ast.Name():
                self._mention((node.id,), at)
            case ast.Attribute() | ast.Subscript():
                self._access(node, at)
            case ast.Constant(value=value):
                if isinstance(value, str):
                    self._text(value)
            case ast.Call():
                self._call(node, at)
            case ast.Expr(value=ast.Call(func=ast.Name(id="setattr" | "delattr"), args=[place, *_]) as call):
                self._store(root_of(place), at)
                self._push([call], at)
            case ast.Expr(value=ast.Call() as call) | ast.Expr(value=ast.Await(value=ast.Call() as call)):
                self._drop(root_of(call.func), at)
                self._push([call], at)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._function(node, at)
            case ast.Lambda():
                self._push([*node.args.defaults, *node.args.kw_defaults], at)
                self._body([node.body], argument_names(node.args), at._replace(level=at.level + 1))
            case ast.ClassDef():
                self._class(node, at)
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                self._comprehension(node, at)
            case ast.Import() | ast.ImportFrom():
                self.found.loads.update(loaded_by(node, self._package))
                self._import(node, at)
            case ast.Global(names=names):
                for name in names:
                    self._add(Ref("", (name,)), at)
                    self._level(at).writes.add(Ref("", (name,)))
            case ast.AnnAssign():
                self._push([node.target, node.value], at)
                self._annotations([node.annotation] if at.in_class else [], at)
            case ast.If(test=test):
                self._push([test], at)
                for block, typing_only in branches(node):
                    self._push([] if typing_only else block, at)
            case _:
                self._push(children(node), at)

    def _import(self, node: ast.Import | ast.ImportFrom, at: _At) -> None:
        """Mention what an import binds where code elsewhere finds it: in a class, or as a global name of a function."""
        scope = at.scope
        for name, target in import_targets(node, self._package) if scope is not None else ():
            if scope is not None and (scope.is_class or scope.names.get(name, ()) is None):
                self._add(Ref(target.module, (target.attribute,) if target.attribute else ()), at)

    def _level(self, at: _At) -> LevelUsage:
        return self.found.levels[min(at.level, _DEEPEST)]

    def _function(self, node: Function, at: _At) -> None:
        self._decorators(node, at)
        outside = at._replace(in_class=False)
        self._push([*node.args.defaults, *node.args.kw_defaults], outside)
        if node.decorator_list:  # a decorator may read them
            self._annotations(annotated(node).values(), outside)
        else:
            chains = [chain for one in annotated(node).values() for chain in names_in_annotation(one)]
            self.found.annotated.update(ref for chain in chains for ref in self._refs(chain, at.scope))
        names = {**bound_names(node.body, self._package), **argument_names(node.args)}
        deeper = 2 if at.in_class and node.name not in _INITIALISERS else 1
        inner = at._replace(level=at.level + deeper, handed=False)
        self._body(node.body, {**names, **type_parameters(node)}, inner)

    def _body(self, nodes: Sequence[ast.AST], names: Names, at: _At) -> None:
        """Go into what runs only when it is called; into a lambda always where it is handed over."""
        if self._with_bodies or at.handed:
            self._push(nodes, _At(Scope(names, at.scope), at.level, at.handed))

    def _annotations(self, nodes: Iterable[ast.expr], at: _At) -> None:
        """Go into annotations; a name in quotes counts where the module has it."""
        written = list(nodes)
        self._push(written, at)
        for chain in quoted_names(written):
            if chain[0] in self._code.module.bindings or self._code.module.stars:
                self._mention(chain, at)

    def _decorators(self, node: Function | ast.ClassDef, at: _At) -> None:
        self._push(node.decorator_list, at._replace(handed=at.handed or at.level == 0, in_decorator=True))
        if at.level == 0:
            chains = [root_of(one) for one in node.decorator_list]
            self.found.decorators.update(
                ref for chain in chains if chain for ref in self._refs(chain, at.scope)
            )

    def _class(self, node: ast.ClassDef, at: _At) -> None:
        handed = at._replace(handed=at.handed or at.level == 0, in_class=False)
        self._decorators(node, at)
        self._push(node.keywords, handed)
        self._push(node.bases, at._replace(in_class=False))
        if at.level == 0:
            keywords = [one.value for one in node.keywords if one.arg == "metaclass"]
            chains = [root_of(base) for base in (*node.bases, *keywords)]
            self.found.bases.update(
                ref
                for chain in chains
                if chain
                for ref in self._refs(chain[:-1] if chain[-1] == ITEM else chain, at.scope)
            )
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
        if not isinstance(node.ctx, ast.Load):
            self._store(root_of(node), at)
        if isinstance(node, ast.Subscript):
            chain = chain_of(node.value)
            self._push([node.slice], at)
            if chain is not None and self._is_modules_table(chain, at):
                self.found.dynamic.append(DynamicName(node.slice))
                return
            chain = chain and (*chain, ITEM)
        else:
            chain = chain_of(node)
            self._attribute(node.attr, chain, at)
        for length, name in enumerate(chain[1:-1] if chain else (), 2):
            self._attribute(name, chain and chain[:length], at)
        if chain is None:
            self._push([node.value], at)
        else:
            self._mention(chain, at)

    def _attribute(self, name: str, chain: Chain | None, at: _At) -> None:
        """Note attributes by which code looks at other code, or at names that its text does not show."""
        if name in HIDDEN_ATTRIBUTES:
            self.found.open_ended.add(name)
        elif name in READING_ATTRIBUTES and (name != "__subclasses__" or not self._is_global(chain, at)):
            self.found.reads.add(READING_ATTRIBUTES[name])

    def _text(self, text: str) -> None:
        if text in HIDDEN_ATTRIBUTES:
            self.found.open_ended.add(text)
        elif text in READING_ATTRIBUTES:
            self.found.reads.add(READING_ATTRIBUTES[text])
        elif ("." in text or ":" in text) and text.replace(".", "").replace(":", "").isidentifier():
            self.found.texts.add(text)

    def _call(self, node: ast.Call, at: _At) -> None:
        chain = chain_of(node.func)
        root = root_of(node.func)
        is_pure = self._code.is_pure(chain) if chain else is_method_of_literal(node.func)
        inner = at if is_pure or at.level else at._replace(handed=True)
        if root is not None:
            refs = self._refs(root, at.scope)
            self._level(at).calls.update(refs)
            if root[0] in ("self", "cls", "super") and not refs:
                self._level(at).calls_itself = True
            is_method = not refs and len(root) > 1 and root[0] not in ("self", "cls")
            self._pass_on([LOCAL] if is_method else refs, node, at)
        if self._looks_for_names(node, chain, at):
            return
        if is_pure and not at.level:
            self._push(_called_at_once(node, root), at._replace(handed=True))
        self._push([node.func, *node.args, *node.keywords], inner)

    def _pass_on(self, callees: Sequence[Ref], node: ast.Call, at: _At) -> None:
        """Pair a callee with the names that it is given, also in lists and other displays."""
        waiting: list[ast.expr] = [*node.args, *(one.value for one in node.keywords)] if callees else []
        while waiting:
            one = waiting.pop()
            chain = chain_of(one)
            if chain is not None:
                given = self._refs(chain, at.scope)
                self.found.passed.update((callee, ref) for callee in callees for ref in given)
            elif isinstance(one, ast.List | ast.Tuple | ast.Set):
                waiting += one.elts
            elif isinstance(one, ast.Dict):
                waiting += one.values
            elif isinstance(one, ast.Starred):
                waiting.append(one.value)

    def _looks_for_names(self, node: ast.Call, chain: Chain | None, at: _At) -> bool:
        """Note texts that a call takes for names; tell whether that says all of the call."""
        func = node.func
        last = func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""
        dotted = self._dotted(chain, at) if chain is not None else ""
        keywords = {one.arg: one.value for one in node.keywords}
        if last in IMPORTERS or dotted in IMPORTERS:
            text = node.args[0] if node.args else keywords.get("name", keywords.get("modname"))
            package = node.args[1] if len(node.args) > 1 and last != "__import__" else keywords.get("package")
            self.found.dynamic.append(DynamicName(text, package))
            self._push([*node.args, *node.keywords], at)
            return True
        match node.args:
            case [ast.expr() as owner, ast.Constant(value=str(name)), *rest] if last == "getattr":
                place = chain_of(owner)
                if place is not None and self._dotted(place, at) in _SHARED_MODULES:
                    self._mention((*place, name), at)
                    self._push(rest, at)
                    return True
            case [ast.expr() as key, *_] if (
                chain is not None and len(chain) > 1 and last in ("get", "pop", "setdefault", "__getitem__")
            ) and self._is_modules_table(chain[:-1], at):
                self.found.dynamic.append(DynamicName(key))
                self._push(node.args, at)
                return True
        if last in TEXT_READERS:
            for text in (*node.args, *keywords.values()):
                self._read_text(text, at, must_be_known=last in ("query", "eval") and text in node.args[:1])
        if last in ("vars", "locals", "dir") and not (node.args or at.scope):
            self.found.open_ended.add(last)
        if dotted in READING_CALLS:
            self.found.reads.add(READING_CALLS[dotted])
        return False

    def _read_text(self, node: ast.expr, at: _At, *, must_be_known: bool) -> None:
        """Mention the names in a text that pandas and others look up where it is used."""
        known = False
        for one in ast.walk(node):
            if isinstance(one, ast.Constant) and isinstance(one.value, str):
                known = True
                for chain, is_certain in names_in_text(one.value):
                    if is_certain or chain[0] in self._code.module.bindings:
                        self._mention(chain, at)
        if (
            must_be_known
            and not known
            and isinstance(node, ast.Name | ast.Call | ast.Subscript | ast.Attribute)
        ):
            self.found.dynamic.append(DynamicName(node, is_module=False))

    def _drop(self, chain: Chain | None, at: _At) -> None:
        if chain is None:
            return
        refs = self._refs(chain, at.scope)
        level = self._level(at)
        level.drops.update(refs)
        if not refs and at.level:
            level.changes_arguments = True
        if at.level == 0:
            self.found.handed.update(refs)

    def _store(self, chain: Chain | None, at: _At) -> None:
        self._drop(chain, at)
        if chain is None:
            return
        refs = self._refs(chain, at.scope)
        self._level(at).writes.update(refs)
        if at.level == 0:
            self.found.stores.update(refs)

    def _mention(self, chain: Chain, at: _At) -> None:
        refs = self._refs(chain, at.scope)
        for ref in refs:
            self._add(ref, at)
        dotted = self._dotted(chain, at)
        if dotted in HIDDEN or dotted in _SHARED_MODULES:
            self.found.open_ended.add(dotted)
        elif dotted in IMPORTERS:
            self.found.dynamic.append(DynamicName(None))
        elif chain[-1] == "__doc__" and len(chain) == 1 and refs:
            self.found.reads.add("module docstring")

    def _is_global(self, chain: Chain | None, at: _At) -> bool:
        """Return whether a chain starts with a name that the module binds, or an import in a function."""
        refs = self._refs(chain, at.scope) if chain is not None else []
        bound = self._code.module.bindings
        return any(ref.module or ref.chain[0] in bound or self._code.module.stars for ref in refs)

    def _is_modules_table(self, chain: Chain, at: _At) -> bool:
        return self._dotted(chain, at) == "sys.modules"

    def _dotted(self, chain: Chain, at: _At) -> str:
        """Return the absolute name of a chain that starts with an import or a built-in; empty for others."""
        if at.scope is None or not at.scope.is_local(chain[0]):
            return self._code.imported_name(chain) or ""
        refs = self._refs(chain, at.scope)
        return ".".join((refs[0].module, *refs[0].chain)) if refs and refs[0].module else ""

    def _add(self, ref: Ref, at: _At) -> None:
        self.found.refs.add(ref)
        self._level(at).refs.add(ref)
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


def _called_at_once(node: ast.Call, root: Chain | None) -> list[ast.AST]:
    """Return the functions among the arguments that a call which itself changes nothing calls: `sorted(names, key=rank)`."""
    calls: list[ast.AST] = [one.value for one in node.keywords if one.arg == "key"]
    return calls + (list(node.args[:1]) if root in (("map",), ("filter",)) else [])

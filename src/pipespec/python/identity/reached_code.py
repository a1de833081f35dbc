"""All code of a project that one callable reaches, found by following names until there is nothing new.

Takes the dependencies of statements, and what the callable refers to. Returns the statements and whole modules that count, the
modules that are loaded with them, and which other parts of code are read (docstrings, annotations).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pipespec.python.identity.dependencies import Dependencies, sha256_of
from pipespec.python.identity.executed_code import whole
from pipespec.python.identity.mentions import Ref
from pipespec.python.identity.module_statements import Statement
from pipespec.python.identity.name_meaning import Name, Named, Target, Whole
from pipespec.python.identity.subclass_lists import subclasses_of

__all__ = ["ReachedCode"]


class ReachedCode:
    """What one callable reaches.

    `names` and `statements` count; of `wholes`, with the reasons, all statements. `modules` are loaded. `reads` are
    the parts of other code that counted code looks at; the docstrings of `documented` names, and the annotations of `signed` ones,
    count whatever it looks at.
    """

    def __init__(self, leads: Dependencies, module: str, roots: Sequence[Target]) -> None:
        """Begin with what the callable stands for, and with the module that is imported to get it."""
        self._leads = leads
        self.names: set[Name] = set()
        self.statements: set[Statement] = set()
        self.modules: set[str] = set()
        self.wholes: dict[str, set[str]] = {}
        self.signatures: dict[str, str] = {}
        self.reads: set[str] = set()
        self.documented: set[Name] = set()
        self.signed: set[Name] = set()
        self._pulled: set[Statement] = set()
        self._active: set[Name] = set()
        self._waiting: list[Target | Statement | str] = [module, *roots]
        for root in roots:
            if isinstance(root, Named):
                self._add_signatures(root)
        self._walk()

    def _walk(self) -> None:
        while self._waiting:
            match self._waiting.pop():
                case Named(name=name, rest=rest):
                    self._add_name(name)
                    if "__subclasses__" in rest:
                        self._look_at_subclasses(name)
                case Whole() as target:
                    self._add_whole(target)
                case Statement() as statement:
                    self._add_statement(statement)
                case str(module):
                    self._load(module)
                case _:
                    continue

    def _add_name(self, name: Name) -> None:
        if name in self.names:
            return
        self.names.add(name)
        code = self._leads.resolver.code(name.module)
        if code is not None:
            self._waiting += code.binding.get(name.name, [])
            self._waiting += code.changing.get(name.name, [])
        self._load(name.module)
        self._activate(name)
        self._activate(whole(name.module))
        if "subclasses" in self.reads or self._leads.effects.classes.watches(name):
            self._activate(subclasses_of(name))

    def _look_at_subclasses(self, name: Name) -> None:
        """Let the subclasses of a class count; of all classes, where it is a variable that may hold any."""
        if self._leads.effects.executed.is_class(name):
            self._activate(subclasses_of(name))
        else:
            self._read(frozenset({"subclasses"}))

    def _add_whole(self, target: Whole) -> None:
        reasons = self.wholes.setdefault(target.module, set())
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
            self._waiting += [one for one in found if isinstance(one, Named) or _is_below(one, target.module)]
        self._waiting += self._leads.resolver.stars(code)

    def _add_statement(self, statement: Statement) -> None:
        if statement in self.statements:
            return
        self.statements.add(statement)
        self._load(statement.module)
        lead = self._leads.lead(statement)
        self._waiting += lead.loads
        self.documented |= lead.documents
        for name in lead.signs - self.signed:
            self.signed.add(name)
            for one in self._leads.effects.executed.binding(name):
                self._waiting += self._leads.annotations(one).targets
        for target in lead.targets:
            if isinstance(target, Named) and target.name in lead.aside:
                code = self._leads.resolver.code(target.name.module)
                self._waiting += code.binding.get(target.name.name, []) if code is not None else []
            elif not (isinstance(target, Named) and _binds(statement, target)):
                self._waiting.append(target)
        if "annotations" in self.reads:
            self._waiting += self._leads.annotations(statement).targets
        self._read(lead.reads)

    def _read(self, parts: frozenset[str]) -> None:
        """Note what counted code looks at of other code: it counts from now on, and for what was counted before."""
        for part in parts - self.reads:
            self.reads.add(part)
            if part == "subclasses":
                for name in self.names:
                    self._activate(subclasses_of(name))
            elif part == "logging":
                for module in self.modules:
                    self._pull_all(self._leads.effects.setting_logging(module))
            elif part == "annotations":
                for statement in self.statements:
                    self._waiting += self._leads.annotations(statement).targets

    def _add_signatures(self, root: Named) -> None:
        for signature in self._leads.signatures(root):
            label = f"{signature.name} annotations"
            known = self.signatures.get(label)
            digest = signature.lead.digest
            self.signatures[label] = digest if known is None else sha256_of([known, digest])
            self._waiting += signature.lead.targets

    def _load(self, module: str) -> None:
        """Take in a module that is imported with the callable: what it imports in turn, and what it changes."""
        if module in self.modules:
            return
        self.modules.add(module)
        self._waiting += self._leads.imports(module)[0]
        self._pull_all(self._leads.effects.leaving(module))
        if "logging" in self.reads:
            self._pull_all(self._leads.effects.setting_logging(module))
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
            if statement.module in self.modules:
                self._pull(statement)

    def _pull_all(self, statements: Iterable[Statement]) -> None:
        for statement in statements:
            self._pull(statement)

    def _pull(self, statement: Statement) -> None:
        """Take in a statement for what it does when it is imported, and so the names that it binds."""
        if statement in self._pulled:
            return
        self._pulled.add(statement)
        self._waiting.append(statement)
        self._waiting += [Named(Name(statement.module, name)) for name in statement.names]


def _binds(statement: Statement, target: Named) -> bool:
    return target.name.module == statement.module and target.name.name in statement.names


def _is_below(target: Target, package: str) -> bool:
    """Return whether a target is a submodule, which code that holds the package can take out of it."""
    return isinstance(target, Whole) and target.module.startswith(f"{package}.")

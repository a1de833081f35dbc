"""The value of one reference: a node; the reference itself if only a step or a worker can resolve it; None for an error.

Takes a reference, the scalar that contains it, and the rule of its place. Names are looked up in the document, in the step
and in its variant. Resolvers are called through `Resolvers`. Refuses names that do not exist, and names that have no value
at this place.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Final, TypeAlias

from pipespec.document.interpolation.foreign_references import with_references
from pipespec.document.interpolation.interpolation_findings import InterpolationFindings
from pipespec.document.interpolation.reference_rules import SHARED, PlaceRule
from pipespec.document.interpolation.reference_syntax import Piece, Reference, compose, parse
from pipespec.document.interpolation.resolver_interface import BUILT_IN, Ask, ReferenceScope, Resolvers
from pipespec.document.interpolation.task_stack import Wanted
from pipespec.document.interpolation.text_templates import Texts, part_span
from pipespec.document.key_paths import dotted_names, path_below, read_path
from pipespec.document.nodes import Entry, MappingNode, Node, ScalarNode, SequenceNode, plain
from pipespec.document.wording import did_you_mean, listing, quote
from pipespec.errors import Span

__all__ = ["Answer", "ReferenceResolution"]

Answer: TypeAlias = Node | Reference | None
_Answering: TypeAlias = Generator[Wanted, Node | None, Answer]

_NAME: Final = re.compile(r"[^\s+*/()<>=|&'\"{}]+")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_MOST_NAMES: Final = 2_000


class ReferenceResolution:
    """Resolves references of one document and, with a scope, those of a step."""

    def __init__(
        self,
        document: MappingNode,
        resolvers: Resolvers,
        scope: ReferenceScope | None,
        findings: InterpolationFindings,
        texts: Texts,
    ) -> None:
        self._document = document
        self._params: Node = document.get("params") or MappingNode({}, document.span)
        self._resolvers = resolvers
        self._scope = scope
        self._findings = findings
        self._texts = texts

    def answer(self, reference: Reference, node: ScalarNode, rule: PlaceRule) -> _Answering:
        """Return the value of `reference` in `node`. Yields what it has to wait for."""
        span = part_span(node, reference.start, reference.end)
        target = ""
        waits = False
        for piece in reference.target:
            inner = piece if isinstance(piece, str) else (yield from self.answer(piece, node, rule))
            if inner is None:
                return None
            waits = waits or isinstance(inner, Reference)
            target += inner if isinstance(inner, str) else compose(self._texts.pieces(inner, span))[0]
        if not waits and reference.resolver is not None:
            return (yield from self._asked(reference, target, node, rule))
        if not waits:
            return (yield from self._named(reference, target, span, rule))
        if reference.resolver is None:
            return replace(reference, target=(target,), written=f"${{{target}}}")
        message = f"the argument of {quote(reference.resolver)} has no value before the step runs"
        self._findings.mistake("misplaced-reference", message, span, "use a param, or write the name itself")
        return None

    # names

    def _named(self, reference: Reference, name: str, span: Span, rule: PlaceRule) -> _Answering:
        keys, end = read_path(name)
        head, *rest = (key.name for key in keys) if keys else ("",)
        if end < len(name) or not all(key.quoted or _NAME.fullmatch(key.name) for key in keys) or not head:
            message = f"{quote(name)} is not a name, and a reference may only contain a name"
            hint = "references have no arithmetic and no conditions; compute the value in a step"
            dotted = re.sub(r"\[['\"]?(\w+)['\"]?\]", r".\1", reference.written)
            mended = with_references(dotted, self._document) or with_references(
                dotted.strip("${} "), self._document
            )
            hint = hint if mended is None else f"a reference is written {mended}"
            self._findings.mistake("reference-syntax", message, span, hint)
        elif head == "params":
            return (yield from self._down(self._params, "params", rest, span))
        elif name == "name":
            return self._pipeline_name(span)
        elif name == "step.name":
            return self._step_name(reference, span, rule)
        elif head == "matrix" and rest:
            return (yield from self._axis(reference, rest, span, rule))
        else:
            self._unknown(name, span)
        return None

    def _pipeline_name(self, span: Span) -> Answer:
        declared = self._document.get("name")
        if declared is not None:
            return declared
        if self._resolvers.name is not None:
            return ScalarNode(self._resolvers.name, span)
        hint = "add 'name: ...' at the top of the file"
        self._findings.mistake("unknown-reference", "the pipeline has no name", span, hint)
        return None

    def _step_name(self, reference: Reference, span: Span, rule: PlaceRule) -> Answer:
        if self._scope is not None:
            return ScalarNode(self._scope.step, span)
        if rule.step:
            return reference
        hint = "it can be used in a step's params, resources and paths of inputs, in 'defaults' and in mlflow.experiment"
        self._findings.mistake("misplaced-reference", "'${step.name}' has no value here", span, hint)
        return None

    def _axis(self, reference: Reference, keys: Sequence[str], span: Span, rule: PlaceRule) -> _Answering:
        if not rule.matrix:
            message = f"{quote(reference.written)} has no value here"
            hint = "an axis can be used in a step's params, resources and inputs, in 'defaults', and in the brackets of another axis' output"
            self._findings.mistake("misplaced-reference", message, span, hint)
            return None
        if self._scope is None:
            return reference
        axes = {axis: Entry(value.span, value) for axis, value in self._scope.variant.items()}
        if keys[0] in axes:
            return (yield from self._down(MappingNode(axes, span), "matrix", keys, span))
        step = quote(self._scope.step)
        message = f"step {step} has no axis {quote(keys[0])}" if axes else f"step {step} has no matrix"
        self._findings.mistake(
            "unknown-reference",
            message,
            span,
            self._findings.offer(keys[0], {axis: f"matrix.{axis}" for axis in axes}),
        )
        return None

    def _down(self, node: Node, label: str, keys: Sequence[str], span: Span) -> _Answering:
        """Follow `keys` from `node`, through references. Nothing beside this path is resolved."""
        for position, key in enumerate(keys):
            if isinstance(node, ScalarNode):
                found = yield Wanted(node, SHARED, label, span)
                if found is None:
                    return None
                node = found
            below = node.get(key) if isinstance(node, MappingNode) else None
            if below is None:
                self._not_below(node, label, keys[position:], span)
                return None
            node, label = below, path_below(label, key)
        return (yield Wanted(node, SHARED, label, span))

    def _not_below(self, node: Node, label: str, keys: Sequence[str], span: Span) -> None:
        key = keys[0]
        name = path_below(label, key)
        if isinstance(node, MappingNode):
            known = {each: path_below(label, each) for each in itertools.islice(node.entries, _MOST_NAMES)}
            dotted = next((one for one in dotted_names(keys) if one in node.entries), None)
            hint = self._findings.offer(key if dotted is None else dotted, known)
            self._findings.mistake("unknown-reference", f"{quote(name)} is not defined", span, hint)
            return
        kind = "a list" if isinstance(node, SequenceNode) else "a single value"
        message = f"{quote(label)} is {kind}, it has no key {quote(key)}"
        self._findings.mistake("unknown-reference", message, span, f"refer to the whole value, ${{{label}}}")

    def _unknown(self, name: str, span: Span) -> None:
        params = self._params.entries if isinstance(self._params, MappingNode) else {}
        if name.split(".", 1)[0] in params:
            hint: str | None = f"did you mean {quote('params.' + name)}?"
        elif name.isupper():
            hint = f"an environment variable is written ${{env:{name}}}"
        elif mended := with_references(f"{{{{ {name} }}}}", self._document):
            hint = f"did you mean {mended}?"
        else:
            shared = {key: path_below("params", key) for key in itertools.islice(params, _MOST_NAMES)}
            others = ("name", "step.name", "matrix.<axis>")
            hint = self._findings.offer(name, shared | {other: other for other in others})
        self._findings.mistake("unknown-reference", f"{quote(name)} is not defined", span, hint)

    # resolvers

    def _asked(self, reference: Reference, argument: str, node: ScalarNode, rule: PlaceRule) -> _Answering:
        hint: str | None = "use ${git:commit} or ${git:branch}"
        match reference.resolver:
            case "env" | "oc.env":
                return (yield from self._environment(reference, argument, node, rule))
            case "secret":
                return self._secret(reference, argument, node, rule)
            case "git" if argument in ("commit", "branch"):
                return self._ask(self._resolvers.git, reference, argument, node)
            case "pyproject":
                return self._ask(self._resolvers.pyproject, reference, argument, node)
            case "file":
                return self._ask(self._resolvers.file, reference, argument, node)
            case "git":
                message = f"git has no value {quote(argument)}"
            case str(name) if name in self._resolvers.others:
                return self._ask(self._resolvers.others[name], reference, argument, node)
            case _ if self._scope is not None:
                return reference  # the pass over the document left it, because a package provides it
            case name:
                message, hint = (
                    f"there is no resolver {quote(str(name))}",
                    self._other_resolver(str(name), argument),
                )
        span = part_span(node, reference.start, reference.end)
        self._findings.mistake("unknown-resolver", message, span, hint)
        return None

    def _other_resolver(self, name: str, argument: str) -> str | None:
        if mended := with_references(f"{{{{ {name}.{argument} }}}}", self._document):
            return f"did you mean {mended}?"
        if name.isupper():
            return f"an environment variable is written ${{env:{name}, default}}"
        known = [each for each in BUILT_IN if each != "oc.env"] + sorted(self._resolvers.others)
        return did_you_mean(name, known) or f"there are {listing(known)}"

    def _ask(self, ask: Ask | None, reference: Reference, argument: str, node: ScalarNode) -> Answer:
        if ask is None:
            return reference
        found = ask(argument, node.span)
        if isinstance(found, str):
            return self._texts.joined(ScalarNode("", node.span, quoted=True, asked=True), [found])
        span = part_span(node, reference.start, reference.end)
        self._findings.mistake("resolver-failed", found.message, span, found.hint)
        return None

    def _environment(self, reference: Reference, name: str, node: ScalarNode, rule: PlaceRule) -> _Answering:
        if self._resolvers.keeps_env or self._scope is not None:
            return (yield from self._kept(reference, name, node, rule))
        value = (self._resolvers.env or {}).get(name)
        if value is not None:
            return self._texts.joined(ScalarNode("", node.span, quoted=True, asked=True), [value])
        if reference.default is not None:
            return (yield from self._default(reference.default, node, rule))
        if self._resolvers.env is None:
            return reference
        span = part_span(node, reference.start, reference.end)
        hint = f"set it, or give a default: ${{env:{name}, default}}"
        self._findings.mistake(
            "env-not-set", f"the environment variable {quote(name)} is not set", span, hint
        )
        return None

    def _kept(self, reference: Reference, name: str, node: ScalarNode, rule: PlaceRule) -> _Answering:
        """Return a reference to the environment that is read later, with its default resolved as far as possible."""
        if reference.default is None:
            return replace(reference, target=(name,), written=f"${{{reference.resolver}:{name}}}")
        answer = yield from self._default(reference.default, node, rule)
        if answer is None:
            return None
        span = part_span(node, reference.start, reference.end)
        default = compose((answer,) if isinstance(answer, Reference) else self._texts.pieces(answer, span))[1]
        kept = parse(f"${{{reference.resolver}:{name}, {default}}}")[0]
        is_text = not isinstance(answer, Node) or isinstance(plain(answer), str)
        if is_text and isinstance(kept, Reference) and compose(kept.default or ())[1] == default:
            return replace(kept, start=reference.start, end=reference.end)
        message = f"the default of {quote(reference.written)} must be plain text"
        hint = "write the default without single braces, and without spaces at its start and end"
        self._findings.mistake("reference-syntax", message, span, hint)
        return None

    def _default(self, pieces: Sequence[Piece], node: ScalarNode, rule: PlaceRule) -> _Answering:
        parts: list[Piece] = []
        for piece in pieces:
            if isinstance(piece, str):
                parts.append(piece)
                continue
            answer = yield from self.answer(piece, node, rule)
            if answer is None or len(pieces) == 1:
                return answer
            parts.extend(self._texts.pieces(answer, node.span))
        return self._texts.joined(ScalarNode("", node.span, quoted=True, asked=True), parts)

    def _secret(self, reference: Reference, name: str, node: ScalarNode, rule: PlaceRule) -> Answer:
        span = part_span(node, reference.start, reference.end)
        if not rule.secret:
            hint = "secrets are allowed in params and in 'notify', where they are not recorded"
            self._findings.mistake("misplaced-reference", "a secret is not allowed here", span, hint)
        elif not _VARIABLE.fullmatch(name):
            hint = "write the name of an environment variable, without a default: ${secret:NAME}"
            self._findings.mistake(
                "reference-syntax", f"{quote(name)} is not the name of a secret", span, hint
            )
        else:
            return replace(reference, target=(name,), written=f"${{secret:{name}}}")
        return None

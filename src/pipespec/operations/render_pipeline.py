"""`pipespec render`: convert a pipeline's file to a Luigi module, or to the resolved document, as text.

Does not import or run anything of the project, read environment variables or call git: the module does that where it
runs. Refuses pipelines that cannot be written as a module before anything has run.
"""

from __future__ import annotations

import hashlib
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final, Self

from pipespec.document.nodes import MappingNode, Node, ScalarNode, set_at, walk
from pipespec.document.password_masking import without_passwords, without_receivers
from pipespec.document.wording import listing
from pipespec.errors import Diagnostic, InvalidPipelineError, Severity, Span
from pipespec.operations.compiling.compile_file import Compiled, compile_file
from pipespec.operations.planning.gather_facts import code_of, sources_of
from pipespec.python.identity.code_facts import CodeFacts
from pipespec.spec.pipeline_spec import DirInput, FileInput, FilesInput, PipelineInput, PipelineSpec, StepSpec
from pipespec.spec.registered_models import ModelInput
from pipespec.views.document_view import to_yaml
from pipespec.views.rendering.luigi_module import ModuleFacts, render_module, unused_keys
from pipespec.views.rendering.open_values import READABLE, waiting
from pipespec.views.rendering.relocation import presentable
from pipespec.views.rendering.spec_lines import StepLines

__all__ = ["RenderedModule", "luigi_module", "resolved_yaml"]

_CODE: Final = "not-static"
_PATHS: Final = ("file", "dir", "files")


class RenderedModule(str):
    """The source of a module; `advice` says which keys of the pipeline have no effect in it, if there are any."""

    __slots__ = ("advice",)
    advice: str

    def __new__(cls, text: str, advice: str) -> Self:
        """Make it of its text."""
        made = super().__new__(cls, text)
        made.advice = advice
        return made


def resolved_yaml(file: str, *, overlays: Sequence[str] = (), overrides: Sequence[str] = ()) -> str:
    """Return the resolved document as YAML. References to the environment stay as written.

    Raises:
        InvalidPipelineError: with all mistakes.
    """
    compiled = compile_file(file, overlays=overlays, overrides=overrides, trusted=False, keeps_env=True)
    compiled.checked()
    return to_yaml(presentable(compiled.resolved.document, compiled.place.folders))


def luigi_module(
    file: str,
    *,
    overlays: Sequence[str] = (),
    overrides: Sequence[str] = (),
    module: str | None = None,
) -> RenderedModule:
    """Return the source of a Luigi module that runs the pipeline. `module` is the name that it will have.

    Raises:
        InvalidPipelineError: with all mistakes, or with everything that such a module cannot contain.
    """
    compiled = compile_file(file, overlays=overlays, overrides=overrides, trusted=False, keeps_env=True)
    _require_static(compiled)
    spec = compiled.checked()
    called = module or f"{spec.name.replace('-', '_')}_luigi"
    shown = {
        name: _below_root(folder / Path(name).name, spec.root)
        for name, folder in compiled.place.folders.items()
    }
    code = code_of(spec, spec.steps.values(), compiled.modules)
    own = {call: known for call, known in sorted(code.items()) if _is_own(known, spec.root)}
    sources = sources_of(own, compiled.modules)
    facts = ModuleFacts(
        module=called,
        file=_below_root(spec.file, spec.root),
        command=_command(spec, called, [shown[overlay] for overlay in overlays], overrides),
        version=version("pipespec"),
        language=1,
        lines=StepLines(compiled.resolved.merged, compiled.sources),
        shown=shown,
        code={call: known.digest for call, known in own.items()},
        sources={
            _below_root(Path(path), spec.root): hashlib.sha256(content).hexdigest()
            for path, content in sources.items()
        },
        bases=_bases(compiled, spec),
    )
    return RenderedModule(render_module(spec, facts), _advice(unused_keys(spec)))


def _advice(unused: Sequence[str]) -> str:
    if not unused:
        return ""
    have = "has" if len(unused) == 1 else "have"
    why = (
        "it sends no messages; use 'pipespec run' for these"
        if "notify" in unused
        else "Luigi has its own settings"
    )
    return f"{listing(unused)} {have} no effect in a Luigi module: {why}"


def _below_root(path: Path, root: Path) -> str:
    """Return a path relative to the root.

    For a path outside, return only the name, because the rest is specific to this machine.
    """
    place = Path(os.path.normpath(path.absolute()))
    return place.relative_to(root).as_posix() if place.is_relative_to(root) else place.name


def _is_own(known: CodeFacts, root: Path) -> bool:
    """Return whether code belongs to the project or to a package, which is examined where the module runs."""
    return known.package is None and all(Path(file).is_relative_to(root) for file in known.files)


def _command(spec: PipelineSpec, module: str, overlays: Sequence[str], overrides: Sequence[str]) -> str:
    options = [word for overlay in overlays for word in ("-f", overlay)]
    options += [
        word for override in overrides for word in ("--set", without_receivers(without_passwords(override)))
    ]
    file = _below_root(spec.file, spec.root)
    return shlex.join(["pipespec", "render", file, *options, "-o", f"{module}.py"])


def _bases(compiled: Compiled, spec: PipelineSpec) -> Mapping[tuple[str, str], str]:
    """Return the folders of inputs whose paths do not start at the pipeline's file."""
    found = {}
    for step in spec.steps.values():
        for argument, given in step.inputs.items():
            if isinstance(given.source, FileInput | DirInput | FilesInput):
                node = _path_node(spec.document, step.name, argument)
                folder = compiled.place.folders.get(set_at(node).file, spec.file.parent)
                if folder != spec.file.parent:
                    found[step.id, argument] = _below_root(folder, spec.root)
    return found


def _path_node(document: MappingNode, step: str, argument: str) -> Node:
    """Return where the path of an input is written: in the step, or in the defaults."""
    for path in (("steps", step), ("defaults",)):
        node: Node | None = document
        for key in (*path, "inputs", argument):
            node = node.get(key) if isinstance(node, MappingNode) else None
        if isinstance(node, MappingNode):
            return next(node.entries[key].value for key in _PATHS if key in node.entries)
    raise AssertionError(f"{step}.{argument} is not an external input")


def _require_static(compiled: Compiled) -> None:
    """Refuse a pipeline that is not completely known before it runs, together with its mistakes."""
    steps = () if compiled.spec is None else compiled.spec.steps.values()
    refused = [*_waiting(compiled.resolved.document), *(one for step in steps for one in _unknown_yet(step))]
    if refused:
        spans = {one.span for one in refused}
        mistakes = [
            one for one in compiled.diagnostics if one.severity is Severity.ERROR and one.span not in spans
        ]
        raise InvalidPipelineError([*dict.fromkeys(refused), *mistakes], compiled.sources)


def _waiting(document: MappingNode) -> Iterator[Diagnostic]:
    for path, node, reference in waiting(document):
        if reference.resolver not in READABLE:
            hint = "a rendered module can only use values from the environment and git"
            yield _not_static(f"'{reference.written}' has no value before the module runs", node.span, hint)
        elif not _may_wait(path):
            hint = "set it in an overlay or with --set when you render"
            message = f"'{reference.written}' determines which steps the module has, but its value is known only when the module runs"
            yield _not_static(message, node.span, hint)
    for _, node in walk(document.get("mlflow") or MappingNode({}, document.span)):
        if isinstance(node, ScalarNode) and without_passwords(str(node.value)) != str(node.value):
            hint = "use an environment variable: ${env:NAME}"
            yield _not_static("the module would contain the password of a server", node.span, hint)


def _unknown_yet(step: StepSpec) -> Iterator[Diagnostic]:
    for axis in step.deferred:
        message = f"axis '{axis.name}' of step '{step.name}' takes its values from '{axis.source.step}', which must run first"
        yield _not_static(message, step.span, "list the values in the pipeline file, or use 'pipespec run'")
    for argument, given in step.inputs.items():
        if isinstance(given.source, PipelineInput):
            message = f"input '{argument}' of step '{step.name}' is read from another pipeline, '{given.source.text}'"
            hint = "include that pipeline, or use 'pipespec run'"
            yield _not_static(message, given.span, hint)
        if isinstance(given.source, ModelInput):
            message = f"input '{argument}' of step '{step.name}' is a registered model, '{given.source.text}'"
            yield _not_static(message, given.span, "use 'pipespec run', which looks its version up")
    for output in step.outputs.values():
        if output.model is not None:
            message = f"output '{output.name}' of step '{step.name}' is saved as an MLflow model, which a rendered module cannot do"
            yield _not_static(message, output.model.span, "save it as a .joblib file, or use 'pipespec run'")


def _may_wait(path: Sequence[str | int]) -> bool:
    """Return whether a value at this place may be known only when the module runs."""
    match path:
        case ["params" | "mlflow" | "notify", *_] | ["steps", _, "params", *_] | ["defaults", "params", *_]:
            return True
        case ["steps", _, "inputs", _, str(key)] | ["defaults", "inputs", _, str(key)]:
            return key in _PATHS
        case ["engine", str(key), *_]:
            return key != "resources"
        case _:
            return False


def _not_static(message: str, span: Span, hint: str) -> Diagnostic:
    return Diagnostic(_CODE, message, span, hint)

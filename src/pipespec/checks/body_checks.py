"""Advice on what a step's own function does: names that nothing defines, files and variables that it reads by itself.

Takes what `python.function_bodies` found in the source, if it was asked; without it, there is no advice.
"""

from __future__ import annotations

import fnmatch
import os.path
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipespec.checks.check_context import CheckContext
from pipespec.document.wording import quote
from pipespec.errors import Diagnostic, Severity
from pipespec.python.function_bodies import BodyFacts, Mention
from pipespec.spec.file_wording import flow_text
from pipespec.spec.pipeline_spec import DirInput, FileInput, FilesInput, StepSpec

__all__ = ["hidden_inputs", "undefined_names"]

_OF_THE_MACHINE = (
    *(
        "CI",
        "COLUMNS",
        "DISPLAY",
        "HOME",
        "HOSTNAME",
        "LANG",
        "LOGNAME",
        "PATH",
        "PWD",
        "SHELL",
        "TEMP",
        "TERM",
        "TMP",
        "TMPDIR",
    ),
    *(
        "TZ",
        "USER",
        "USERNAME",
        "USERPROFILE",
        "VIRTUAL_ENV",
        "CONDA_*",
        "CUDA_*",
        "KMP_*",
        "LC_*",
        "MKL_*",
        "MLFLOW_*",
        "NCCL_*",
    ),
    *(
        "NUMBA_*",
        "OMP_*",
        "OPENBLAS_*",
        "PIPESPEC_*",
        "PYTHON*",
        "SLURM_*",
        "TF_*",
        "TORCH_*",
        "TQDM_*",
        "XDG_*",
        "*_NUM_THREADS",
    ),
)
"""Variables that say where and how a step runs, not what it produces."""
_SECRETS = ("*KEY*", "*TOKEN*", "*SECRET*", "*PASSWORD*", "*PASSWD*", "*CREDENTIAL*", "*_PWD", "*_DSN")


def undefined_names(context: CheckContext) -> Iterator[Diagnostic]:
    """Advise on undefined names, which fail when the step uses them."""
    for step, body in _bodies(context):
        if body.undefined:
            name, line = body.undefined[0]
            message = f"{quote(str(step.call))} uses {quote(name)}{_more(body.undefined)}, which nothing in its module defines ({_place(body, line, context)})"
            hint = "define or import it, or add it to the arguments of the function"
            yield Diagnostic("undefined-name", message, step.call.span, hint, Severity.ADVICE)


def hidden_inputs(context: CheckContext) -> Iterator[Diagnostic]:
    """Advise inputs and params instead of files and variables that a function reads by itself."""
    for step, body in _bodies(context):
        if step.identity.never:
            continue
        files = [one for one in body.files if not _is_known(one.text, step)]
        if files:
            path, line = files[0]
            message = f"step {quote(step.name)} reads {quote(path)}{_more(files)} by itself, which no input names ({_place(body, line, context)})"
            hint = f"make it an argument, and bind it under 'inputs': {{file: {flow_text(_from_pipeline(path, context))}}}"
            yield Diagnostic("hidden-input", message, step.call.span, hint, Severity.ADVICE)
        variables = [one for one in body.variables if not _matches(one.text, _OF_THE_MACHINE)]
        if variables:
            name, line = variables[0]
            message = f"step {quote(step.name)} reads the environment variable {quote(name)}{_more(variables)} by itself ({_place(body, line, context)})"
            kind = "secret" if _matches(name.upper(), _SECRETS) else "env"
            hint = f"make it an argument, and bind it under 'params': \"${{{kind}:{name}}}\""
            yield Diagnostic("hidden-input", message, step.call.span, hint, Severity.ADVICE)


def _bodies(context: CheckContext) -> Iterator[tuple[StepSpec, BodyFacts]]:
    told: set[str] = set()
    for step in context.shared():
        body = context.bodies.get(str(step.call))
        if body is not None and str(step.call) not in told:
            told.add(str(step.call))
            yield step, body


def _is_known(path: str, step: StepSpec) -> bool:
    """Return whether an input names the file, or the step says that it does not count."""
    if _matches(path, step.identity.untracked) or any(
        path.startswith(one) for one in step.identity.untracked if one.endswith("/")
    ):
        return True
    texts = [
        spec.source.text
        for spec in step.inputs.values()
        if isinstance(spec.source, FileInput | DirInput | FilesInput)
    ]
    name = path.rpartition("/")[2]
    return any(name == text.rpartition("/")[2] or path.startswith(text.rstrip("/") + "/") for text in texts)


def _from_pipeline(path: str, context: CheckContext) -> str:
    """Return a path of the project's root, where steps run, as the pipeline's file names it."""
    if Path(path).is_absolute() or "://" in path:
        return path
    return os.path.relpath(context.spec.root / path, context.spec.file.parent)


def _matches(text: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(text, pattern) for pattern in patterns)


def _more(found: Sequence[Mention]) -> str:
    return f" and {len(found) - 1} more" if len(found) > 1 else ""


def _place(body: BodyFacts, line: int, context: CheckContext) -> str:
    return context.place_in(body.path, line)

"""Execute a notebook as a step, in its own kernel, with the step's values as variables.

The notebook is a Jupyter notebook, or a Python file whose cells begin with `# %%`, which jupytext reads. The values are
in a cell that is inserted after the one with the tag `parameters`, as in papermill, otherwise before all cells. The
executed notebook and an HTML page of it are ordinary outputs. In the executed notebook, that cell contains the names of
files instead of their paths during the step.
"""

from __future__ import annotations

import keyword
import os
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from pipespec.document.wording import quote
from pipespec.spec.library_steps import TEMPLATE
from pipespec.step.failure import StepError
from pipespec.steps.source_place import source_place
from pipespec.steps.step_arguments import Values

__all__ = ["notebook"]

_EXECUTED: Final = "executed"
_PAGE: Final = "page"
_BACKEND: Final = "MPLBACKEND"
_COLOURS: Final = re.compile(r"\x1b\[[0-9;]*m")


def notebook(
    notebook: str,
    inputs: Mapping[str, Path],
    params: Mapping[str, Any],
    outputs: Mapping[str, Path],
    kernel: str = "python3",
) -> None:
    """Execute a notebook in which inputs, params and outputs are variables; inputs and outputs are paths.

    Args:
        notebook: The file, looked for where modules are: `.ipynb`, or `.py` with cells that begin with `# %%`.
        inputs: Their paths.
        params: The other params; a text in them that is a template, such as `{inputs.raw}`, is the path that it names.
        outputs: Where the notebook writes each; `executed` gets the executed notebook, `page` an HTML page of it.
        kernel: The Jupyter kernel that executes it.
    """
    nbformat, nbclient = _library("nbformat"), _library("nbclient")
    exporter = _library("nbconvert").HTMLExporter() if _PAGE in outputs else None
    place = source_place(notebook)
    made = {name: path for name, path in outputs.items() if name not in (_EXECUTED, _PAGE)}
    filled = _filled(dict(params), Values(inputs, params, outputs))
    values = {**inputs, **filled, **made}
    _require_names(values)
    document = _read(place, nbformat)
    cell = nbformat.v4.new_code_cell(_assignments(values, str), metadata={"tags": ["injected-parameters"]})
    cell["id"] = "pipespec-parameters"
    before = _end_of_parameters(document.cells)
    document.cells.insert(before, cell)
    os.environ["PYTHONPATH"] = os.pathsep.join([str(place.parent), *_own_folders()])
    if (
        os.environ.get(_BACKEND) == "Agg"
    ):  # as for steps, because they have no screen; a kernel draws into the notebook
        del os.environ[_BACKEND]
    client = nbclient.NotebookClient(
        document,
        timeout=None,
        kernel_name=kernel,
        record_timing=False,
        resources={"metadata": {"path": os.getcwd()}},  # noqa: PTH109 - it wants a text
        extra_arguments=["--HistoryManager.enabled=False"],
    )
    try:
        client.execute()
    except nbclient.exceptions.CellExecutionError:
        raise _failure(notebook, document.cells, cell) from None
    _require_written(notebook, made)
    cell["source"] = _assignments(values, lambda path: path.name)
    if _EXECUTED in outputs:
        nbformat.write(document, outputs[_EXECUTED])
    if exporter is not None:
        outputs[_PAGE].write_text(exporter.from_notebook_node(document)[0], encoding="utf-8")


def _read(place: Path, nbformat: Any) -> Any:
    """Return the notebook in a file."""
    if place.suffix != ".py":
        return nbformat.read(place, as_version=4)
    return _library("jupytext").reads(place.read_text(encoding="utf-8"), fmt="py:percent")


def _filled(value: Any, values: Values) -> Any:
    """Replace templates by the paths that they name, at any depth of a param."""
    match value:
        case dict():
            return {key: _filled(item, values) for key, item in value.items()}
        case list():
            return [_filled(item, values) for item in value]
        case str() if (found := TEMPLATE.fullmatch(value)) is not None and found[1] != "params":
            return values.value(found[1], found[2], value)
        case _:
            return value


def _library(name: str) -> Any:
    import importlib  # noqa: PLC0415 - with what it imports

    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise StepError(
            "import",
            f"notebooks need the package {quote(error.name or name)}: pip install 'pipespec[notebook]'",
        ) from None


def _require_names(values: Mapping[str, Any]) -> None:
    for name in values:
        if not name.isidentifier() or keyword.iskeyword(name):
            raise StepError("binding", f"{quote(name)} cannot be the name of a variable in a notebook")


def _assignments(values: Mapping[str, Any], spell: Callable[[Path], str]) -> str:
    lines = [f"{name} = {_literal(value, spell)}" for name, value in values.items()]
    return "\n".join(["# Parameters of the step", "from pathlib import Path", "", *lines])


def _literal(value: Any, spell: Callable[[Path], str]) -> str:
    match value:
        case Path():
            return f"Path({spell(value)!r})"
        case dict():
            return f"{{{', '.join(f'{key!r}: {_literal(item, spell)}' for key, item in value.items())}}}"
        case list():
            return f"[{', '.join(_literal(item, spell) for item in value)}]"
        case _:
            return repr(value)


def _end_of_parameters(cells: list[Any]) -> int:
    """Return the position after the cell with default values."""
    tagged = (
        number
        for number, cell in enumerate(cells, 1)
        if cell.cell_type == "code" and "parameters" in cell.metadata.get("tags", ())
    )
    return next(tagged, 0)


def _require_written(notebook: str, made: Mapping[str, Path]) -> None:
    """Refuse a missing output with the suffix of a notebook or a page, and say how to declare the notebook itself as an output."""
    for name, path in made.items():
        own = {".ipynb": _EXECUTED, ".html": _PAGE}.get(path.suffix)
        if own is not None and not path.exists():
            what = "the executed notebook" if own == _EXECUTED else "a page of the executed notebook"
            raise StepError(
                "outputs",
                f"{notebook} did not write its output {quote(name)}; if {what} is meant, call that output {quote(own)}",
            )


def _own_folders() -> list[str]:
    """Return where this process looks for modules before Python's own, so that the kernel finds the same modules."""
    own = {sys.prefix, sys.base_prefix}
    return [entry for entry in sys.path if entry and not any(Path(entry).is_relative_to(one) for one in own)]


def _failure(notebook: str, cells: list[Any], injected: Any) -> StepError:
    """Say which cell failed, counted as in the user's notebook, with its traceback, which is also written to the log."""
    own = [cell for cell in cells if cell is not injected]
    for number, cell in [(0, injected), *enumerate(own, 1)]:
        for output in cell.get("outputs", ()):
            if output.output_type == "error":
                trace = _COLOURS.sub("", "\n".join(output.traceback))
                sys.stderr.write(f"{trace}\n")
                where = f"cell {number}" if number else "the cell with the parameters"
                said = f"{output.ename}: {output.evalue}".splitlines()[0]
                return StepError("raised", f"{notebook}, {where}: {said}", details=trace)
    return StepError("raised", f"{notebook}: a cell failed")

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

from pipespec.document.wording import listing, quote
from pipespec.spec.library_steps import TEMPLATE
from pipespec.step.failure import StepError
from pipespec.step.witness.observation import code_that_observes
from pipespec.steps.source_place import source_place, source_text
from pipespec.steps.step_arguments import Values

__all__ = ["notebook"]

_EXECUTED: Final = "executed"
_PAGE: Final = "page"
_PYTHON: Final = "python3"
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
    _require_kernel(kernel, notebook, document)
    cell = nbformat.v4.new_code_cell(_assignments(values, str), metadata={"tags": ["injected-parameters"]})
    cell["id"] = "pipespec-parameters"
    before = _end_of_parameters(document.cells)
    document.cells.insert(before, cell)
    os.environ["PYTHONPATH"] = os.pathsep.join([str(place.parent), *_own_folders()])
    if (
        os.environ.get(_BACKEND) == "Agg"
    ):  # as for steps, because they have no screen; a kernel draws into the notebook
        del os.environ[_BACKEND]
    begun: list[int] = []  # positions of the cells
    client: Any = nbclient.NotebookClient(
        document,
        timeout=None,
        kernel_name=kernel,
        record_timing=False,
        resources={"metadata": {"path": os.getcwd()}},  # noqa: PTH109 - it wants a text
        extra_arguments=["--HistoryManager.enabled=False"],
        on_notebook_start=lambda **_: _observe_kernel(client),
        on_cell_execute=lambda cell_index, **_: begun.append(cell_index),
    )
    try:
        client.execute()
    except nbclient.exceptions.CellExecutionError as error:
        raise _failure(_where(notebook, begun, before), document.cells[begun[-1]], error) from None
    except (nbclient.exceptions.DeadKernelError, RuntimeError) as error:
        raise StepError("raised", f"{_where(notebook, begun, before)}: {_end_of_kernel(error)}") from None
    _require_written(notebook, made)
    cell["source"] = _assignments(values, lambda path: path.name)
    if _EXECUTED in outputs:
        nbformat.write(document, outputs[_EXECUTED])
    if exporter is not None:
        outputs[_PAGE].write_text(exporter.from_notebook_node(document)[0], encoding="utf-8")


def _observe_kernel(client: Any) -> None:
    """Let a kernel of Python note what it reads, for the witness of the step."""
    code = code_that_observes()
    if code and client.km.kernel_spec.language == "python":
        client.kc.execute(code, silent=True, store_history=False, stop_on_error=False)


def _read(place: Path, nbformat: Any) -> Any:
    """Return the notebook in a file. The libraries do not read it themselves: what they read would count as the step's data."""
    text = source_text(place)
    if place.suffix != ".py":
        return nbformat.reads(text, as_version=4)
    return _library("jupytext").reads(text, fmt="py:percent")


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


def _require_kernel(kernel: str, notebook: str, document: Any) -> None:
    """Refuse a kernel that is not installed, and a notebook that is written in another language than that of the default kernel."""
    installed = sorted(_library("jupyter_client").kernelspec.KernelSpecManager().find_kernel_specs())
    if kernel not in installed:
        raise StepError(
            "import",
            f"there is no Jupyter kernel {quote(kernel)}; installed are {listing(installed) or 'none'}",
        )
    own = document.metadata.get("kernelspec", {})
    language = str(own.get("language") or "python")
    if kernel == _PYTHON and language.lower() != "python":
        raise StepError(
            "binding",
            f"{notebook} is written in {language}, and the kernel {quote(kernel)} executes Python; "
            f"name its kernel in the params: kernel: {own.get('name') or 'NAME'}",
        )


def _where(notebook: str, begun: list[int], injected: int) -> str:
    """Say which cell was executed last, counted as in the user's notebook."""
    if not begun:
        return notebook
    if begun[-1] == injected:
        return f"{notebook}, the cell with the parameters"
    return f"{notebook}, cell {begun[-1] + (begun[-1] < injected)}"


def _failure(where: str, cell: Any, error: Exception) -> StepError:
    """Say why a cell failed, with its traceback, which is also written to the log."""
    errors = [output for output in cell.get("outputs", ()) if output.output_type == "error"]
    if errors:
        trace = _COLOURS.sub("", "\n".join(errors[-1].traceback))
        said = f"{errors[-1].ename}: {errors[-1].evalue}".splitlines()[0]
    else:  # IPython prints what is wrong with a magic command
        printed = [output.text for output in cell.get("outputs", ()) if output.get("name") == "stderr"]
        trace = _COLOURS.sub("", "".join(printed) or str(error)).strip()
        said = trace.splitlines()[-1]
    sys.stderr.write(f"{trace}\n")
    return StepError("raised", f"{where}: {said}", details=trace)


def _end_of_kernel(error: Exception) -> str:
    said = "; ".join(str(error).split("\n")[:1])
    return f"the kernel ended ({said}): did the code crash or need too much memory?"

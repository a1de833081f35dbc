"""A program that describes a Kedro project.

It runs with the Python in which Kedro is installed, and imports nothing of pipespec.

    python read_project.py FOLDER PIPELINE FILE

Writes JSON to FILE: nodes with their functions, inputs by argument and outputs; the catalog as configured; the
parameters. A problem that ends it is the value of `problem`.
"""

import inspect
import json
import os
import sys
from pathlib import Path
from typing import Any, Final

__all__: Final[list[str]] = []


def _main(folder: str, pipeline: str, target: str) -> None:
    try:
        found = _read(Path(folder).resolve(), pipeline)
    except Exception as error:  # noqa: BLE001 - the project's code may raise anything
        first = error.__cause__ or error
        found = {"problem": f"{type(first).__name__}: {' '.join(str(first).split())}"}
    Path(target).write_text(json.dumps(found, default=str), encoding="utf-8")


def _read(folder: Path, pipeline: str) -> dict[str, Any]:
    from kedro.framework.project import pipelines  # noqa: PLC0415 - this may fail, and the failure is reported
    from kedro.framework.session import KedroSession  # noqa: PLC0415 - as above
    from kedro.framework.startup import bootstrap_project  # noqa: PLC0415 - as above

    bootstrap_project(folder)
    with KedroSession.create(project_path=folder) as session:
        context = session.load_context()
        if pipeline not in pipelines:
            return {
                "problem": f"there is no pipeline '{pipeline}'; there are: {', '.join(sorted(pipelines))}"
            }
        chosen = pipelines[pipeline]
        return {
            "nodes": [_node(node) for node in chosen.nodes],
            "datasets": {name: _dataset(context, name) for name in sorted(chosen.datasets())},
            "parameters": context.params,
        }


def _node(node: Any) -> dict[str, Any]:
    function = node.func
    named = {
        "name": node._name or "",  # noqa: SLF001 - without a name, the public property builds one from inputs and outputs
        "module": getattr(function, "__module__", None),
        "qualname": getattr(function, "__qualname__", None),
        "kind": type(function).__name__,
        "tags": sorted(node.tags),
        "outputs": node._outputs,  # noqa: SLF001 - the public list does not distinguish a mapping from a list
    }
    given = node._inputs  # noqa: SLF001 - the public list does not distinguish a mapping from a list either
    args, kwargs = (
        ([], given) if isinstance(given, dict) else ([given] if isinstance(given, str) else given or [], {})
    )
    try:
        signature = inspect.signature(function)
        bound = signature.bind(*args, **kwargs)
        code = inspect.unwrap(function)
        named["file"] = os.path.relpath(inspect.getsourcefile(code) or "")
        named["line"] = inspect.getsourcelines(code)[1]
    except (TypeError, ValueError, OSError):
        return {**named, "inputs": None, "arguments": []}
    return {**named, "inputs": [*bound.arguments.items()], "arguments": [*signature.parameters]}


def _dataset(context: Any, name: str) -> Any:
    """Return how a dataset is configured, including by patterns; None if it is only in memory."""
    configured = context.config_loader["catalog"]
    if name in configured:
        return configured[name]
    resolver = getattr(context.catalog, "config_resolver", None)
    try:
        return resolver.resolve_pattern(name) if resolver and resolver.match_pattern(name) else None
    except Exception:  # noqa: BLE001 - of any version
        return None


if __name__ == "__main__":
    _main(*sys.argv[1:])

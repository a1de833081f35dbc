"""Run a Python file as a step: as `__main__` in the step's process, with the step's values on its command line."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from pipespec.document.wording import quote
from pipespec.step.arguments.planned_sources import program_code
from pipespec.step.failure import StepError
from pipespec.steps.source_place import source_place
from pipespec.steps.step_arguments import Values

__all__ = ["script"]

_IS_RELATIVE: Final = re.compile(
    "attempted relative import (with no known parent package|beyond top-level package)"
)


def script(
    script: str,
    inputs: Mapping[str, Path],
    params: Mapping[str, Any],
    outputs: Mapping[str, Path],
    args: list[str | int | float] | None = None,
) -> None:
    """Run a Python file, which writes the outputs.

    Args:
        script: The file, looked for where modules are: beside the pipeline file, in the project root, in its `src/`.
        inputs: Their paths.
        params: The other params.
        outputs: Where the script writes each.
        args: What the script gets on its command line, such as `["--in", "{inputs.raw}", "{outputs.clean}"]`; without it,
            each input, param and output is an option `--name value`.
    """
    place = source_place(script)
    values = Values(inputs, params, outputs)
    sys.argv[:] = [str(place), *(values.options() if args is None else values.filled(args))]
    sys.path.insert(0, str(place.parent))
    main = ModuleType("__main__")
    main.__dict__.update(__file__=str(place), __builtins__=__builtins__)
    sys.modules["__main__"] = main
    try:
        exec(program_code(str(place)), main.__dict__)  # noqa: S102 - as `python FILE` does
    except SystemExit as end:
        # As in Python: None and whole numbers are exit codes, anything else is printed and means 1.
        if isinstance(end.code, int) or end.code is None:
            if end.code:
                raise StepError("exited", f"{quote(script)} ended with exit code {int(end.code)}") from None
            return
        sys.stderr.write(f"{end.code}\n")
        said = f"by saying: {end.code}" if str(end.code).strip() else "with exit code 1"
        raise StepError("exited", f"{quote(script)} ended {said}") from None
    except ImportError as error:
        if not _IS_RELATIVE.match(str(error)):
            raise
        module = ".".join(Path(script).with_suffix("").parts)
        raise StepError(
            "import",
            f"{quote(script)} imports with a leading dot, so it runs only as a module of its package; "
            f"call pipespec.steps:command with command: [python, -m, {module}, ...]",
        ) from error

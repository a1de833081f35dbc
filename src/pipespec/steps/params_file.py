"""Params as a file that a program reads directly: `params.yaml` or `params.json`, with the values of the step's params.

Takes the params and the file of the project that they replace. Other values of that file are kept. Refuses other
suffixes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pipespec.document.wording import quote
from pipespec.step.failure import StepError
from pipespec.step.formats.yaml_files import save_yaml

__all__ = ["write_params"]

_YAML: Final = frozenset({".yaml", ".yml"})


def write_params(params: Any, source: Path | None, target: Path) -> None:
    """Write params merged over the content of the project's own file, if there is one.

    Raises:
        StepError: for a suffix of no known format.
    """
    suffix = target.suffix.lower()
    if suffix not in _YAML and suffix != ".json":
        raise StepError(
            "binding", f"params are written to .yaml and .json files, and {quote(target.name)} is neither"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    merged = _over(_read(source, is_json=suffix == ".json"), params)
    if suffix == ".json":
        target.write_text(json.dumps(merged, indent=2, ensure_ascii=False), encoding="utf-8")
        return
    save_yaml(merged, target, {})


def _read(source: Path | None, *, is_json: bool) -> Any:
    if source is None or not source.is_file():
        return None
    try:
        if is_json:
            return json.loads(source.read_bytes())
        from ruamel.yaml import YAML  # noqa: PLC0415 - it takes a while

        return YAML(typ="safe", pure=True).load(source.read_bytes())
    except Exception as error:  # noqa: BLE001 - whatever ruamel.yaml raises for a file that it cannot read
        raise StepError(
            "inputs", f"{quote(source.name)} cannot be read: {' '.join(str(error).split())}"
        ) from None


def _over(below: Any, above: Any) -> Any:
    if isinstance(below, Mapping) and isinstance(above, Mapping):
        return {**below, **{key: _over(below.get(key), value) for key, value in above.items()}}
    return above

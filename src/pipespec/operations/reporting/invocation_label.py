"""What tells one invocation from others: the values that a user set, as params of its run and in its name.

Takes what was compiled. Passwords stand in neither, and secrets are no values of a pipeline.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pipespec.document.nodes import plain
from pipespec.document.password_masking import without_passwords
from pipespec.operations.compiling.pipeline_source import PipelineSource
from pipespec.tracking.record_names import SWEEP, dotted_params

__all__ = ["label_of", "pipeline_params", "swept_by"]

_LEFT_OUT: Final = ("params.", "steps.")


def label_of(source: PipelineSource) -> str:
    """Return overlays and set values in a few words, such as `news.prod seed=1`."""
    overlays = [Path(overlay).stem for overlay in source.options.overlays]
    swept = {
        tag.removeprefix(SWEEP) for tag in source.tags
    }  # the first point's values are among those that were set
    paths = (text.partition("=")[0].lstrip("+") for text in source.options.overrides)
    values = [
        _short(text) for path, text in zip(paths, source.options.overrides, strict=True) if path not in swept
    ]
    return " ".join([*overlays, *values])


def swept_by(source: PipelineSource) -> str:
    """Return what sweeps vary in a few words, such as `seed=1,2`."""
    return " ".join(_short(f"{tag.removeprefix(SWEEP)}={values}") for tag, values in source.tags.items())


def _short(text: str) -> str:
    """Return `depth=4` of `params.depth=4`, and `train.depth=4` of `steps.train.params.depth=4`."""
    path, _, value = text.lstrip("+").partition("=")
    for prefix in _LEFT_OUT:
        path = path.removeprefix(prefix)
    return f"{path.replace('.params.', '.')}={without_passwords(value)}"


def pipeline_params(source: PipelineSource) -> Mapping[str, str]:
    """Return the params of a pipeline as MLflow has them; of a sweep, all values of what it varies."""
    node = source.document.get("params")
    value = plain(node) if node is not None else {}
    swept = f"{SWEEP}params."
    return {
        **dotted_params(value if isinstance(value, dict) else {}),
        **{tag.removeprefix(swept): text for tag, text in source.tags.items() if tag.startswith(swept)},
    }

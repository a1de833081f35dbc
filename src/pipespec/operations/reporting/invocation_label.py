"""What distinguishes one invocation from others: the values that a user set, as params of its run and in its name.

Takes what was compiled. Neither contains passwords, and secrets are not values of a pipeline.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from pipespec.document.nodes import MappingNode, Node, plain, walk
from pipespec.document.password_masking import concerns_messages, without_passwords
from pipespec.document.yaml.plain_scalars import spell
from pipespec.operations.compiling.pipeline_source import PipelineSource
from pipespec.plan.run_outcome import SetValue
from pipespec.tracking.record_names import SWEEP, dotted_params

__all__ = ["label_of", "pipeline_params", "set_values", "swept_by"]

_LEFT_OUT: Final = ("params.", "steps.")
_LAID_OVER: Final = ("overlay", "set")
"""The layers over a pipeline's file."""


def label_of(source: PipelineSource) -> str:
    """Return overlays and set values in a few words, for example `news.prod seed=1`."""
    overlays = [Path(overlay).stem for overlay in source.options.overlays]
    swept = {
        tag.removeprefix(SWEEP) for tag in source.tags
    }  # the first point's values are among those that were set
    paths = (text.partition("=")[0].lstrip("+") for text in source.options.overrides)
    values = [
        _short(text)
        for path, text in zip(paths, source.options.overrides, strict=True)
        if path not in swept and not concerns_messages(path)  # who is told makes no difference, and is secret
    ]
    return " ".join([*overlays, *values])


def swept_by(source: PipelineSource) -> str:
    """Return what sweeps vary in a few words, for example `seed=1,2`."""
    return " ".join(_short(f"{tag.removeprefix(SWEEP)}={values}") for tag, values in source.tags.items())


def set_values(source: PipelineSource) -> Iterator[SetValue]:
    """Yield the params that layers over the pipeline's file set, and what sweeps vary, each with its origin."""
    swept = {tag.removeprefix(SWEEP): values for tag, values in source.tags.items()}
    for path, values in swept.items():
        yield SetValue(_short_path(path), values, "--sweep")
    for keys, node in walk(source.document):
        path = ".".join(str(key) for key in keys)
        is_own = _is_param(keys) and _is_leaf(node) and node.span.layer in _LAID_OVER
        if is_own and not any(f"{path}.".startswith(f"{one}.") for one in swept):
            origin = "--set" if node.span.layer == "set" else without_passwords(node.span.file)
            yield SetValue(_short_path(path), spell(plain(node)), origin)


def _is_param(keys: Sequence[str | int]) -> bool:
    """Return whether a path of keys leads to a param or an axis, and not to an item of a list."""
    match keys:
        case ["params", _, *below] | ["steps", _, "params" | "matrix", _, *below]:
            return not any(isinstance(key, int) for key in below)
        case _:
            return False


def _is_leaf(node: Node) -> bool:
    return not isinstance(node, MappingNode) or not node.entries


def _short(text: str) -> str:
    """Return `depth=4` for `params.depth=4`, and `train.depth=4` for `steps.train.params.depth=4`."""
    path, _, value = text.lstrip("+").partition("=")
    return f"{_short_path(path)}={without_passwords(value)}"


def _short_path(path: str) -> str:
    for prefix in _LEFT_OUT:
        path = path.removeprefix(prefix)
    return path.replace(".params.", ".").replace(".matrix.", ".")


def pipeline_params(source: PipelineSource) -> Mapping[str, str]:
    """Return the params of a pipeline as MLflow has them; for a sweep, all values that it varies."""
    node = source.document.get("params")
    value = plain(node) if node is not None else {}
    swept = f"{SWEEP}params."
    return {
        **dotted_params(value if isinstance(value, dict) else {}),
        **{tag.removeprefix(swept): text for tag, text in source.tags.items() if tag.startswith(swept)},
    }

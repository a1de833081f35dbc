"""A rendered pipeline as it is here and now, ready to be planned: the result of `rendered_pipeline`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pipespec.frozen_values import frozen
from pipespec.spec.pipeline_spec import PipelineSpec

__all__ = ["Declared"]


@frozen
class Declared:
    """A pipeline as it is here and now. Can be pickled.

    `code` maps callables to the digests that were rendered. `sources` maps the absolute path of each file that was
    counted to its sha256. `module` is the rendered file itself.
    """

    spec: PipelineSpec
    code: Mapping[str, str]
    sources: Mapping[str, str]
    module: Path

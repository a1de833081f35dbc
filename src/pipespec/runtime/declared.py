"""A rendered pipeline as it stands here and now, ready to be planned: what `rendered_pipeline` makes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pipespec.frozen_values import frozen
from pipespec.spec.pipeline_spec import PipelineSpec

__all__ = ["Declared"]


@frozen
class Declared:
    """A pipeline as it is here and now. Pickles.

    `code` has by callable the digest that was rendered, `sources` by absolute path the sha256 of each file that
    was counted. `module` is the rendered file itself.
    """

    spec: PipelineSpec
    code: Mapping[str, str]
    sources: Mapping[str, str]
    module: Path

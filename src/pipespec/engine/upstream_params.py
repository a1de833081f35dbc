"""The params of everything upstream of a step, which its run contains in addition to its own: the causes of a metric.

Takes a pipeline. Returns for one step `{"train.depth": "4"}`, the nearest steps first. The work for one step is
limited, however long the pipeline is: distant steps are left out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Final

from pipespec.spec.pipeline_spec import PipelineSpec
from pipespec.tracking.params_of_steps import MOST_PARAMS, params_of_steps
from pipespec.tracking.record_names import dotted_params

__all__ = ["UpstreamParams"]

_MOST_STEPS: Final = 200
"""Maximum number of steps upstream that are read for one step."""


class UpstreamParams:
    """The params upstream of each step of one pipeline."""

    def __init__(self, pipeline: PipelineSpec) -> None:
        self.pipeline = pipeline
        self._known: dict[str, Mapping[str, str]] = {}

    def of(self, step: str) -> dict[str, str]:
        """Return the params of the steps upstream of one step. A name that is also one of its own params is left out."""
        own = self._dotted(step)
        found = params_of_steps((above, self._dotted(above)) for above in self._above(step))
        return {name: value for name, value in found.items() if name not in own}

    def _above(self, step: str) -> Iterator[str]:
        upstream = self.pipeline.upstream
        seen, waiting, params = {step}, deque(upstream[step]), 0
        while waiting and len(seen) <= _MOST_STEPS and params < MOST_PARAMS:
            above = waiting.popleft()
            if above not in seen:
                seen.add(above)
                params += len(self._dotted(above))
                yield above
                waiting.extend(upstream[above])

    def _dotted(self, step: str) -> Mapping[str, str]:
        if step not in self._known:
            self._known[step] = dotted_params(self.pipeline.steps[step].param_values)
        return self._known[step]

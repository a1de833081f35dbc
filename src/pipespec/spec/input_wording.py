"""How an input is displayed: as in the pipeline file, but without the password of an address."""

from __future__ import annotations

from pipespec.document.password_masking import without_passwords
from pipespec.spec.pipeline_spec import InputSource, PipelineInput, StepInput
from pipespec.spec.registered_models import ModelInput
from pipespec.spec.variant_names import point_text

__all__ = ["input_text"]


def input_text(source: InputSource, used: str | None = None) -> str:
    """Format an input: `titles.ids`, `train[*].model`, `train.yaml: fit.model`, `model news@champion`, `data/titles.csv`.

    `used` says which run or version was used, if the pipeline file leaves that open.
    """
    which = "" if used is None else f" ({used})"
    match source:
        case StepInput():
            fixed = f"[{point_text(source.selection)}]" if source.selection else ""
            name = source.step + (fixed or ("[*]" if source.fan_in else ""))
            part = f"/{source.part}" if source.part else ""
            return f"{name}.{source.output}{part}" if source.output else name
        case PipelineInput():
            return f"{source.text}: {source.step}" + (f".{source.output}" if source.output else "") + which
        case ModelInput():
            return f"model {source.text}{which}"
        case _:
            return without_passwords(source.text)

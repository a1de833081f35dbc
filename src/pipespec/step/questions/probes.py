"""Call probes: functions that return what a key cannot see. They are called once for a plan, in one separate process.

Takes the probes of a plan with the params of their steps. Returns their JSON answers, through
`step.questions.question_process`. Refuses an answer that is not JSON or is too large, and a probe that takes too long.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pipespec.document.nodes import JSON
from pipespec.document.wording import quote
from pipespec.errors import PipespecError, UsageError
from pipespec.frozen_values import frozen
from pipespec.plan.step_key import canonical
from pipespec.step.arguments.argument_binding import bind, convert_params
from pipespec.step.arguments.callable_import import import_callable
from pipespec.step.arguments.live_annotations import live_arguments
from pipespec.step.failure import StepError, describe
from pipespec.step.formats.json_files import to_json
from pipespec.step.questions.question_process import answer_all, ask
from pipespec.step.secrets import fill, redactor

__all__ = ["MAX_ANSWER", "ProbeFailedError", "ProbeProblem", "ProbeRequest", "main", "run_probes"]

MAX_ANSWER: Final = 64 << 10
"""Maximum number of characters of one answer in canonical JSON: it is stored in the step's key parts."""


@frozen
class ProbeRequest:
    """One question: the function `probe` (`module:function`) of the step with this id, and the step's params."""

    step: str
    probe: str
    params: Mapping[str, JSON]


@frozen
class ProbeProblem:
    """Why a probe returned no answer. `message` is one line, `traceback` contains the user's frames."""

    step: str
    probe: str
    message: str
    traceback: str = ""


class ProbeFailedError(UsageError):
    """At least one probe returned no answer, so no plan is possible. The text names the first such probe."""

    def __init__(self, problems: Sequence[ProbeProblem]) -> None:
        self.problems = tuple(problems)
        first = self.problems[0]
        more = f" (and {len(self.problems) - 1} more)" if len(self.problems) > 1 else ""
        super().__init__(
            f"step {quote(first.step)}: its probe {quote(first.probe)} failed: {first.message}{more}"
        )

    def __reduce__(self) -> tuple[type[ProbeFailedError], tuple[object, ...]]:
        return type(self), (self.problems,)


def run_probes(
    probes: Sequence[ProbeRequest], *, module_folders: Sequence[str], root: str, timeout: float
) -> Mapping[str, JSON]:
    """Call all probes in one process, and return the answers by step id.

    A probe gets those of the step's params for which it has arguments. `timeout` is in seconds, for all probes
    together. Secrets in params are replaced by values from this process's environment.

    Raises:
        ProbeFailedError: with every probe that failed. If the process died, with the probe that was running.
    """
    if not probes:
        return {}
    answers = ask(
        f"{__package__}.probes",
        [[probe.probe, dict(probe.params)] for probe in probes],
        folders=module_folders,
        root=root,
        timeout=timeout,
    )
    redact = redactor([dict(probe.params) for probe in probes], os.environ)
    problems = [
        ProbeProblem(probe.step, probe.probe, answer["message"], answer["traceback"])
        for probe, answer in zip(probes, answers.found, strict=False)
        if "message" in answer
    ]
    if len(answers.found) < len(probes):
        culprit = probes[len(answers.found)]
        problems.append(ProbeProblem(culprit.step, culprit.probe, answers.end, redact(answers.last_words)))
    if problems:
        raise ProbeFailedError(problems)
    return {probe.step: answer["answer"] for probe, answer in zip(probes, answers.found, strict=True)}


def main() -> None:
    """Answer the task on stdin."""
    answer_all(_answer)


def _answer(question: tuple[str, dict[str, JSON]], folders: Sequence[str]) -> dict[str, Any]:
    probe, params = question
    redact = redactor(params, os.environ)
    try:
        function = import_callable(probe, folders)
        known = live_arguments(function)
        if known is not None and not any(argument.is_rest for argument in known.values()):
            params = {name: value for name, value in params.items() if name in known}
        filled = fill(params, os.environ)
        assert isinstance(filled, dict)
        binding = bind(function, (), filled, ())
        answer = function(**convert_params(filled, binding.annotations))
        return {"answer": redact.value(_checked(answer))}  # it is stored in the step's key parts
    except BaseException as error:  # noqa: BLE001 - also if a probe exits
        failure = describe(error, redact)
        return {"message": failure.message, "traceback": failure.traceback}


def _checked(answer: object) -> JSON:
    try:
        value = to_json(answer)
        length = len(canonical(value))
    except PipespecError as error:
        raise StepError("probe", f"its answer cannot be part of a key: {error}") from None
    if length > MAX_ANSWER:
        raise StepError(
            "probe", f"its answer has {length} characters, more than {MAX_ANSWER}; return a digest instead"
        )
    return value


if __name__ == "__main__":
    main()

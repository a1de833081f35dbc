"""The templates of messages that users write: which templates are valid, and the text that they produce. Pure.

Takes a Jinja2 template as text, which `project.template_files` reads. `mistakes_in` parses it without executing any of
it; `render` fills it in. A template can use only plain values: attributes that begin with `_` and other files are
refused, and its result is cut if it is too long. The process that renders it limits its time and memory. Jinja2 is
imported only if there is a template.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from pipespec.document.nodes import JSON
from pipespec.document.wording import did_you_mean, listing, quote
from pipespec.frozen_values import frozen

if TYPE_CHECKING:
    from jinja2 import nodes
    from jinja2.sandbox import SandboxedEnvironment

__all__ = [
    "VARIABLES",
    "MessageTemplate",
    "TemplateError",
    "TemplateMistake",
    "mistakes_in",
    "render",
]

VARIABLES: Final = (
    "pipeline",
    "kind",
    "title",
    "message",
    "steps",
    "failed",
    "metrics",
    "regressions",
    "params",
    "seconds",
    "error",
    "run_id",
    "link",
    "store",
    "host",
)
"""What a template can use. `docs/notify.md` explains each name."""

_OF_BLOCKS: Final = ("caller", "kwargs", "loop", "self", "varargs")
"""What Jinja2 sets in loops and macros."""

_LONGEST: Final = 10_000
"""Maximum number of characters of a message."""


@frozen
class MessageTemplate:
    """The content of a template file. If it cannot be read, `problem` says why. `name` is its path for display."""

    name: str
    text: str = ""
    problem: str | None = None
    is_missing: bool = False


@frozen
class TemplateMistake:
    """What is wrong in a line of a template. Lines count from 1."""

    line: int
    message: str
    hint: str | None = None


class TemplateError(Exception):
    """A template could not be filled in. `line` is the place, or 0 if it is not known."""

    def __init__(self, line: int, problem: str) -> None:
        self.line = line
        self.problem = problem
        super().__init__(line, problem)


def mistakes_in(text: str) -> tuple[TemplateMistake, ...]:
    """Return what is wrong with a template, as far as its text shows it, in the order of its lines."""
    from jinja2 import TemplateSyntaxError  # noqa: PLC0415 - see above

    try:
        tree = _environment().parse(text)
        found = dict.fromkeys(found for look in _LOOKS for found in look(tree))
    except TemplateSyntaxError as error:
        problem = (error.message or "it is no template").rstrip(".")
        return (TemplateMistake(error.lineno, problem[:1].lower() + problem[1:]),)
    except RecursionError:  # so would filling it in
        return (TemplateMistake(1, "it is nested too deeply", "write it as several shorter expressions"),)
    except ValueError:  # of `int`, which reads no number of so many digits
        return (TemplateMistake(1, "it has a number of too many digits"),)
    return tuple(sorted(found, key=lambda one: one.line))


def render(text: str, facts: Mapping[str, JSON]) -> tuple[str | None, str]:
    """Return the title, if the template sets one, and the message, shortened if it is too long.

    Raises:
        TemplateError: if the template cannot be filled in.
    """
    template = None
    try:
        template = _environment().from_string(text)
        context = template.new_context(dict(facts))
        body = _joined(template.root_render_func(context))
        title = context.get_exported().get("title")
    except MemoryError as error:
        raise TemplateError(0, "it needs too much memory") from error
    except Exception as error:  # the template is the user's program
        line = _line_of(error, template)
        raise TemplateError(line, f"{error}".partition("\n")[0] or type(error).__name__) from error
    return None if title is None else str(title)[:_LONGEST], body


def _joined(pieces: Iterator[str]) -> str:
    found: list[str] = []
    room = _LONGEST
    for piece in pieces:
        found.append(piece[:room])
        room -= len(piece)
        if room < 0:
            return "".join(found) + "..."
    return "".join(found).strip("\n")


def _line_of(error: BaseException, template: Any) -> int:
    """Return the line of a template in which an error was raised."""
    stated = getattr(error, "lineno", None)
    if isinstance(stated, int):
        return stated
    trace, line = error.__traceback__, 0
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>" and template is not None:
            line = template.get_corresponding_lineno(trace.tb_lineno)
        trace = trace.tb_next
    return line


@functools.cache
def _environment() -> SandboxedEnvironment:
    """Return the environment that parses and fills in templates."""
    from jinja2 import StrictUndefined  # noqa: PLC0415 - see above
    from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: PLC0415 - see above

    made = ImmutableSandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    del made.globals["lipsum"]
    return made


# Checks for a template that could be parsed. Each of them yields mistakes.


def _unknown_variables(tree: nodes.Template) -> Iterator[TemplateMistake]:
    """Report names that are not set anywhere. Jinja2's own search is not used, because it compiles the template and computes constants."""
    from jinja2 import nodes  # noqa: PLC0415 - see above

    used = list(tree.find_all(nodes.Name))
    known = {*VARIABLES, *_environment().globals, *_OF_BLOCKS}
    known |= {name.name for name in used if name.ctx != "load"}
    known |= {macro.name for macro in tree.find_all(nodes.Macro)}
    lines: dict[str, int] = {}
    for name in used:
        if name.name not in known:
            lines[name.name] = min(name.lineno, lines.get(name.name, name.lineno))
    for unknown, line in lines.items():
        hint = did_you_mean(unknown, VARIABLES) or f"variables: {listing(VARIABLES, most=len(VARIABLES))}"
        yield TemplateMistake(line, f"there is no variable {quote(unknown)}", hint)


def _unknown_filters(tree: nodes.Template) -> Iterator[TemplateMistake]:
    from jinja2 import nodes  # noqa: PLC0415 - see above

    for kind, known in ((nodes.Filter, _environment().filters), (nodes.Test, _environment().tests)):
        word = kind.__name__.lower()
        for used in tree.find_all(kind):
            if used.name not in known:
                hint = did_you_mean(used.name, known)
                yield TemplateMistake(used.lineno, f"there is no {word} {quote(used.name)}", hint)


def _hidden_attributes(tree: nodes.Template) -> Iterator[TemplateMistake]:
    from jinja2 import nodes  # noqa: PLC0415 - see above

    names = [(one.attr, one.lineno) for one in tree.find_all(nodes.Getattr)]
    names += [
        (one.arg.value, one.lineno)
        for one in tree.find_all(nodes.Getitem)
        if isinstance(one.arg, nodes.Const) and isinstance(one.arg.value, str)
    ]
    for name, line in names:
        if name.startswith("_"):
            yield TemplateMistake(
                line, f"{quote(name)} is not for templates", "use names without '_' in front"
            )


def _other_files(tree: nodes.Template) -> Iterator[TemplateMistake]:
    from jinja2 import nodes  # noqa: PLC0415 - see above

    words = {
        nodes.Extends: "extends",
        nodes.FromImport: "from",
        nodes.Import: "import",
        nodes.Include: "include",
    }
    for used in tree.find_all(tuple(words)):
        message = f"'{words[type(used)]}' is not for messages: a template is one file"
        yield TemplateMistake(used.lineno, message, "write what it would bring into this file")


_LOOKS: Final[tuple[Callable[[Any], Iterator[TemplateMistake]], ...]] = (
    _unknown_variables,
    _unknown_filters,
    _hidden_attributes,
    _other_files,
)

"""Convert a stage's `cmd` to a command: a list of words if no shell is needed, otherwise a script for `sh`.

Takes the command with its templates, and its text at each point. Returns words whose templates are references.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from typing import Final

from pipespec.converting.dvc.templates import Expression, pieces
from pipespec.document.nodes import JSON

__all__ = ["command_words"]

_FOR_SHELL: Final = re.compile(r"[|&;<>()$`\\*?\[\]{}~#!\n]")
_BUILT_IN: Final = frozenset(
    [
        ".",
        "[",
        "cd",
        "eval",
        "exec",
        "exit",
        "export",
        "for",
        "if",
        "set",
        "source",
        "test",
        "then",
        "time",
        "trap",
        "ulimit",
        "umask",
        "unset",
        "until",
        "while",
    ]
)
_BASH: Final = re.compile(r"\[\[|<\(|>\(|\bsource\b|pipefail|\bdeclare\b|\{\d+\.\.\d+\}|&>|<<<")


def command_words(
    commands: Sequence[str], at_points: Sequence[Sequence[str]], written: Callable[[Expression], str]
) -> list[JSON]:
    """Return a command as a list.

    Args:
        commands: The lines of `cmd`, with templates.
        at_points: The same lines for each stage of the group, with values.
        written: The replacement of a template.
    """
    if len(commands) == 1 and all(_is_simple(lines[0]) for lines in at_points):
        words = _words(commands[0], written)
        if all(len(shlex.split(lines[0])) == len(words) for lines in at_points):
            return [*words]
    script = "\n".join("".join(_text(piece, written) for piece in pieces(line)).strip() for line in commands)
    shell = "bash" if _BASH.search(script) else "sh"
    return [shell, "-ec" if len(commands) > 1 else "-c", script]


def _text(piece: str | Expression, written: Callable[[Expression], str]) -> str:
    return piece.replace("${", "$${") if isinstance(piece, str) else written(piece)


def _is_simple(command: str) -> bool:
    """Return whether a shell would do nothing but split the words."""
    if _FOR_SHELL.search(command):
        return False
    try:
        words = shlex.split(command)
    except ValueError:
        return False
    return bool(words) and words[0] not in _BUILT_IN and "=" not in words[0]


def _words(command: str, written: Callable[[Expression], str]) -> list[str]:
    """Split a command. A reference stays in its word, whatever its value is."""
    references: list[str] = []
    text = ""
    for piece in pieces(command):
        becomes = _text(piece, written)
        if isinstance(piece, str) or not becomes.startswith("${"):
            text += becomes
        else:
            text += f"\ue000{len(references)}\ue001"
            references.append(becomes)
    try:
        words = shlex.split(text)
    except ValueError:  # a value contains a quote
        return []
    return [re.sub("\ue000(\\d+)\ue001", lambda found: references[int(found[1])], word) for word in words]

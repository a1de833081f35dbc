"""Classify the words of a command line before click parses them: options, their values, FILE, and others.

A word is FILE if it ends in .yaml or .yml, or is an existing file or folder.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

__all__ = ["FILE", "SUFFIXES", "is_file_word", "option_named", "words_beside_options"]

FILE: Final = "pipespec.file"
"""Where a context stores the pipeline before all words are parsed: for the help, and for completion."""
SUFFIXES: Final = (".yaml", ".yml")


def is_file_word(word: str) -> bool:
    """Return whether a word names a pipeline; otherwise, it is a step or an output."""
    return word.endswith(SUFFIXES) or Path(word).exists()


def option_named(params: Sequence[click.Parameter], word: str) -> click.Option | None:
    """Return the option that a word such as `--set`, `--set=a=1` or `-f` names."""
    name = word.partition("=")[0]
    for option in params:
        if isinstance(option, click.Option) and name in (*option.opts, *option.secondary_opts):
            return option
    return None


def words_beside_options(params: Sequence[click.Parameter], args: Sequence[str]) -> list[str]:
    """Return the words that are neither an option nor its value. What follows an unknown option is its value, unless it is FILE."""
    words: list[str] = []
    waiting = list(args)
    while waiting:
        word = waiting.pop(0)
        if word == "--":
            return [*words, *waiting]
        if not word.startswith("-") or word == "-":
            words.append(word)
        elif waiting and _takes_next(params, word, waiting[0]):
            waiting.pop(0)
    return words


def _takes_next(params: Sequence[click.Parameter], word: str, following: str) -> bool:
    if word.startswith("--"):
        option = option_named(params, word)
        if "=" in word or word == "--help":
            return False
        return not is_file_word(following) if option is None else not option.is_flag
    for position, letter in enumerate(word[1:], start=1):
        option = option_named(params, f"-{letter}")
        if option is not None and not option.is_flag:
            return position == len(word) - 1  # otherwise the rest of the word is its value
    return False

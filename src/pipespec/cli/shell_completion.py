"""How bash, zsh and fish request completions: their scripts, and how bash splits a line.

click's own script lets bash split the line, which breaks words at `=` and `:`. So `train[depth=4]`, `tag:nlp` and
`params.seed=` would each be several words. Here, the line is split as a shell would when it runs it, and the part that
bash already has is removed from each completion. The scripts support completions that can be continued, such as
`params.model.`, which those of click do not.
"""

from __future__ import annotations

import os
from typing import Any, Final

from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ZshComplete,
    add_completion_class,
    split_arg_string,
)

__all__ = ["OPEN", "LineComplete", "use_line_completion"]

OPEN: Final = "open"
"""The type of a completion that can be continued: no space follows it."""

_SCRIPT: Final = """\
%(complete_func)s() {
    local kind value
    COMPREPLY=()
    while IFS=, read -r kind value; do
        case $kind in
            plain) COMPREPLY+=("$value") ;;
            open) COMPREPLY+=("$value"); compopt -o nospace ;;
            file) compopt -o default ;;
            dir) compopt -o dirnames ;;
        esac
    done < <(env COMP_LINE="${COMP_LINE:0:COMP_POINT}" COMP_WORDBREAKS="$COMP_WORDBREAKS" \\
        %(complete_var)s=bash_complete "$1" 2>/dev/null)
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""

_ZSH_SCRIPT: Final = """\
#compdef %(prog_name)s

%(complete_func)s() {
    local -a plain described open answers
    local kind value help
    (( ! $+commands[%(prog_name)s] )) && return 1
    answers=("${(@f)$(env COMP_WORDS="${words[*]}" COMP_CWORD=$((CURRENT-1)) \\
        %(complete_var)s=zsh_complete %(prog_name)s 2>/dev/null)}")
    for kind value help in "${answers[@]}"; do
        case $kind in
            plain) if [[ $help == _ ]]; then plain+=("$value"); else described+=("$value:$help"); fi ;;
            open) open+=("${value//\\\\:/:}") ;;
            dir) _path_files -/ ;;
            file) _path_files -f ;;
        esac
    done
    (( $#described )) && _describe -V unsorted described -U
    (( $#plain )) && compadd -U -V unsorted -a plain
    (( $#open )) && compadd -U -S '' -V unsorted -a open
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    %(complete_func)s "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i; }
    compdef %(complete_func)s %(prog_name)s
fi
"""


class LineComplete(BashComplete):
    """Completes in bash, using the line as it was typed."""

    source_template = _SCRIPT

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words after the command, and the unfinished one."""
        line = os.environ["COMP_LINE"]
        words = split_arg_string(line)[1:]
        incomplete = words.pop() if words and not line[-1].isspace() else ""
        return words, incomplete

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[Any]]:
        """Return the completions without the parts that bash treats as separate words."""
        breaks = os.environ.get("COMP_WORDBREAKS", "=:")
        has = (
            1 + max(incomplete.rfind(mark) for mark in "=:" if mark in breaks)
            if set("=:") & set(breaks)
            else 0
        )
        option, joined, _ = incomplete.partition("=")
        is_split = joined and option.startswith("--")  # click returns completions for what follows it
        has -= len(option) + 1 if is_split else 0
        found = super().get_completions(args, incomplete)
        return [CompletionItem(one.value[max(has, 0) :], type=one.type, help=one.help) for one in found]


class ZshLineComplete(ZshComplete):
    """Completes in zsh."""

    source_template = _ZSH_SCRIPT


class FishLineComplete(FishComplete):
    """Completes in fish. It adds no space after a completion that can be continued: one that ends with a dot, a slash or `=`."""

    def format_completion(self, item: CompletionItem[Any]) -> str:
        """Return a completion in the form that click's script reads."""
        kind = "plain" if item.type == OPEN else item.type
        return super().format_completion(CompletionItem(item.value, type=kind, help=item.help))


def use_line_completion() -> None:
    """Let click use these classes."""
    add_completion_class(LineComplete, "bash")
    add_completion_class(ZshLineComplete, "zsh")
    add_completion_class(FishLineComplete, "fish")

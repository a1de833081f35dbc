"""What a shell completes: the answers to a line, what is loaded for them, and a real bash that asks for them."""

import json
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time

import pytest

PIPELINE = """\
pipespec: 1
params: {seed: 1, model: {depth: 2, "a b": 1}, day: ???}
options: {date: params.day}
steps:
  rows: {call: "steps:rows", outputs: {rows: rows.json}, tags: [night, cheap]}
  train:
    call: steps:train
    matrix: {depth: [2, 4], kind: [a, b]}
    inputs: {rows: rows}
    outputs: {model: model.json, scores: scores.json}
  trees: {call: "steps:rows", outputs: {rows: rows.json}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory, project_at):
    project = project_at(tmp_path_factory.mktemp("complete") / "project")
    for name, text in {
        "pyproject.toml": "",
        "p.yaml": PIPELINE,
        "p.prod.yaml": "params: {seed: 2}\n",
        "p.night.yaml": "params: {seed: 3}\n",
        "data/x.csv": "",
        "more/q.yml": PIPELINE.replace("trees", "other"),
        "notes.txt": "",
        "broken/p.yaml": "pipespec: 1\nsteps: [",
        "steps.py": "raise SystemExit('project code ran')",
    }.items():
        project.write(name, text)
    return project


def answers(folder, line, breaks="=:", **extra):
    answer = folder.pipespec(
        _PIPESPEC_COMPLETE="bash_complete", COMP_LINE=f"pipespec {line}", COMP_WORDBREAKS=breaks, **extra
    )
    assert (answer.code, answer.err) == (0, "")
    return answer.out.split()


VARIANTS = [f"depth={depth},kind={kind}]" for depth in (2, 4) for kind in "ab"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("val", ["plain,validate"]),
        ("--no", ["plain,--no-color"]),
        ("help expl", ["plain,explain"]),
        ("completion z", ["plain,zsh"]),
        ("run --keep", ["plain,--keep-going"]),
        ("run --format ", ["plain,text", "plain,json"]),
        ("run p", ["plain,p.night.yaml", "plain,p.prod.yaml", "plain,p.yaml"]),
        ("run more/", ["plain,more/q.yml"]),
        ("run mo", ["open,more/"]),
        ("run -f ", ["file,"]),
        ("run tr", ["plain,train", "plain,trees"]),
        ("run rows tr", ["plain,train", "plain,trees"]),
        ("run p.yaml tr", ["plain,train", "plain,trees"]),
        ("run more/q.yml o", ["plain,other"]),
        ("run more o", ["plain,other"]),
        ("-C more run o", ["plain,other"]),
        ("run p.yaml train[", [f"plain,train[{one}" for one in VARIANTS]),
        ("run p.yaml 'train[", [f"plain,train[{one}" for one in VARIANTS]),
        ("run p.yaml train[depth=4,", ["plain,4,kind=a]", "plain,4,kind=b]"]),
        ("run p.yaml tag:", ["plain,night", "plain,cheap"]),
        ("run p.yaml --force tre", ["plain,trees"]),
        ("explain tra", ["open,train["]),
        ("explain p.yaml r", ["plain,rows"]),
        ("logs p.yaml tre", ["plain,trees"]),
        ("accept p.yaml tra", ["plain,train"]),
        ("status p.yaml tre", ["plain,trees"]),
        ("get p.yaml ", ["plain,rows.rows", "plain,trees.rows", "open,train["]),
        ("get r", ["plain,rows.rows"]),
        ("get p.yaml train[*", ["plain,train[*].model", "plain,train[*].scores"]),
        ("get p.yaml train[depth=4,kind=b].s", ["plain,b].scores"]),
        ("plan p.yaml --set params.", ["open,params.seed=", "open,params.model.", "open,params.day="]),
        ("plan --set params.model.d", ["open,params.model.depth="]),
        ("plan p.yaml --set=params.s", ["open,params.seed="]),
        ("plan p.yaml --set +params.s", ["open,+params.seed="]),
        ("plan p.yaml --set params.seed=", []),
        ("run p.yaml --sweep params.s", ["open,params.seed="]),
        ("logs p.yaml rows --set params.s", ["open,params.seed="]),
        ("plan p.yaml --env ", ["plain,night", "plain,prod"]),
        ("plan --env p", ["plain,prod"]),
        ("plan p.yaml --da", ["plain,--date"]),
        ("plan --date 2024-01-01 p.yaml tre", ["plain,trees"]),
        ("schema --for more/", ["plain,more/q.yml"]),
        ("validate more/", ["plain,more/q.yml"]),
        ("diff p.yaml more/", ["plain,more/q.yml"]),
        ("run broken/p.yaml ", []),
        ("run broken/p.yaml --dat", []),
        ("run gone.yaml ", []),
    ],
)
def test_a_line_is_completed_so(folder, line, expected):
    assert answers(folder, line) == expected


def test_words_are_whole_where_bash_does_not_break_them(folder):
    assert answers(folder, "run p.yaml train[depth=4,", breaks=" ") == [
        "plain,train[depth=4,kind=a]",
        "plain,train[depth=4,kind=b]",
    ]


def test_the_environment_is_not_asked(folder):
    folder.write("asks/p.yaml", PIPELINE.replace("seed: 1", 'seed: "${env:PATH}"'))

    assert answers(folder, "run asks/p.yaml tre") == ["plain,trees"]


def test_names_that_a_terminal_would_obey_are_not_offered(folder):
    for name in ("odd/a\x1b[31m.yaml", "odd/b\nplain,c.yaml", "odd/d.yaml"):
        folder.write(name, PIPELINE)

    assert answers(folder, "run odd/") == ["plain,odd/d.yaml"]


LOADED = """\
import atexit, json, sys
atexit.register(lambda: open(sys.argv[1], "w").write(json.dumps(sorted(sys.modules))))
from pipespec.cli import main
main([])
"""


@pytest.mark.parametrize(
    ("line", "most"), [("ru", 11), ("run p.yaml tr", 115), ("plan p.yaml --set params.s", 114)]
)
def test_an_answer_loads_little(folder, tmp_path, line, most):
    listing = tmp_path / "modules.json"
    subprocess.run(
        [sys.executable, "-c", LOADED, str(listing)],
        cwd=folder.folder,
        env=folder.environment(
            _PIPESPEC_COMPLETE="bash_complete", COMP_LINE=f"pipespec {line}", COMP_WORDBREAKS="=:"
        ),
        stdout=subprocess.DEVNULL,
        check=False,
        timeout=60,
    )
    loaded = json.loads(listing.read_text())
    heavy = {"checks", "engine", "tracking", "step", "runtime"} & {
        name.split(".")[1] for name in loaded if name.startswith("pipespec.")
    }

    assert heavy == set()
    assert {"mlflow", "luigi", "pandas", "rich", "jsonschema", "jinja2", "dotenv"} & set(loaded) == set()
    assert len([name for name in loaded if name.startswith("pipespec.")]) <= most


@pytest.mark.parametrize(
    ("shell", "mark"), [("bash", "complete -o nosort"), ("zsh", "compdef"), ("fish", "complete")]
)
def test_each_shell_has_a_script(folder, shell, mark):
    answer = folder.pipespec("completion", shell)

    assert (answer.code, answer.err) == (0, "")
    assert mark in answer.out
    assert "_PIPESPEC_COMPLETE" in answer.out
    if shutil.which(shell):
        assert subprocess.run([shell, "-n"], input=answer.out, text=True, timeout=60).returncode == 0


BASH = """\
bind 'set enable-bracketed-paste off'; bind -x '"\\C-o": printf "<<%s>>\\n" "$READLINE_LINE"'
eval "$(pipespec completion bash)"; printf "%s\\n" re""ady
"""
ZSH = """\
unsetopt zle_bracketed_paste prompt_sp; autoload -Uz compinit; compinit -D -u
shown() { print -r -- "<<$BUFFER>>" }; zle -N shown; bindkey '^O' shown; bindkey '^U' kill-whole-line
eval "$(pipespec completion zsh)"; printf "%s\\n" re""ady
"""


class Shell:
    """A real shell at a terminal; Ctrl-O prints the line as it stands."""

    def __init__(self, project, command, setting):
        self.process, self._screen = pty.fork()
        if self.process == 0:
            os.chdir(project.folder)
            path = f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"
            variables = project.environment(
                PATH=path, TERM="dumb", PS1="$ ", HISTFILE="", INPUTRC="/dev/null"
            )
            os.execvpe(command[0], command, variables)
        self.tell(setting)
        self.read(r"\nready")

    def tell(self, text):
        os.write(self._screen, text.encode())

    def read(self, pattern):
        seen, until = "", time.monotonic() + 60
        while not (found := re.search(pattern, seen)):
            assert time.monotonic() < until, seen
            if select.select([self._screen], [], [], 1)[0]:
                seen += os.read(self._screen, 4096).decode(errors="replace").replace("\r", "")
        return found

    def completed(self, line):
        """Type a line, TAB and Ctrl-O; return the line as it stands then, and clear it."""
        self.tell(f"{line}\t\x0f")
        found = self.read(r"<<([^\n]*)>>\n")[1]
        self.tell("\x15")
        return found

    def close(self):
        self.tell("\x15exit\n")
        os.waitpid(self.process, 0)
        os.close(self._screen)


@pytest.fixture(scope="module")
def bash(folder):
    bash = Shell(folder, ["bash", "--norc", "--noprofile", "-i"], BASH)
    yield bash
    bash.close()


@pytest.fixture(scope="module")
def zsh(folder):
    if not shutil.which("zsh"):
        pytest.skip("zsh is not installed: apt-get install zsh")
    zsh = Shell(folder, ["zsh", "-f", "-i"], ZSH)
    yield zsh
    zsh.close()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("pipespec stat", "pipespec status "),
        ("pipespec run p.y", "pipespec run p.yaml "),
        ("pipespec run mo", "pipespec run more/"),
        ("pipespec run more/", "pipespec run more/q.yml "),
        ("pipespec run tre", "pipespec run trees "),
        ("pipespec run p.yaml tre", "pipespec run p.yaml trees "),
        ("pipespec run p.yaml train[depth=4,kind=b", "pipespec run p.yaml train[depth=4,kind=b] "),
        ("pipespec run p.yaml tag:ch", "pipespec run p.yaml tag:cheap "),
        ("pipespec get p.yaml tra", "pipespec get p.yaml train["),
        ("pipespec get p.yaml train[depth=4,kind=b].s", "pipespec get p.yaml train[depth=4,kind=b].scores "),
        ("pipespec plan p.yaml --set params.se", "pipespec plan p.yaml --set params.seed="),
        ("pipespec plan p.yaml --set=params.mo", "pipespec plan p.yaml --set=params.model."),
        ("pipespec plan --env pr", "pipespec plan --env prod "),
        ("pipespec plan p.yaml --dat", "pipespec plan p.yaml --date "),
        ("pipespec run --report no", "pipespec run --report notes.txt "),
        ("cd . && pipespec explain p.yaml ro", "cd . && pipespec explain p.yaml rows "),
    ],
)
def test_bash_completes(bash, line, expected):
    assert bash.completed(line) == expected


LINES = [
    ("pipespec stat", "pipespec status "),
    ("pipespec run p.y", "pipespec run p.yaml "),
    ("pipespec run mo", "pipespec run more/"),
    ("pipespec run p.yaml tre", "pipespec run p.yaml trees "),
    ("pipespec plan p.yaml --set params.se", "pipespec plan p.yaml --set params.seed="),
    ("pipespec plan p.yaml --set params.mo", "pipespec plan p.yaml --set params.model."),
    ("pipespec plan --env pr", "pipespec plan --env prod "),
    ("pipespec plan p.yaml --dat", "pipespec plan p.yaml --date "),
]


@pytest.mark.parametrize(("line", "expected"), LINES)
def test_zsh_completes(zsh, line, expected):
    assert zsh.completed(line) == expected


@pytest.mark.skipif(not shutil.which("zsh"), reason="zsh is not installed: apt-get install zsh")
def test_a_zsh_that_has_not_begun_to_complete_begins_with_it(folder):
    setting = ZSH.replace("autoload -Uz compinit; compinit -D -u", ":")
    assert "compinit" not in setting
    fresh = Shell(folder, ["zsh", "-f", "-i"], setting)
    try:
        assert fresh.completed("pipespec complet") == "pipespec completion "
    finally:
        fresh.close()


@pytest.mark.skipif(not shutil.which("fish"), reason="fish is not installed: apt-get install fish")
def test_fish_completes(folder):
    asked = "".join(f"complete -C '{line}'\n" for line, _ in LINES)
    script = f"pipespec completion fish | source\n{asked}"
    path = f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"

    done = subprocess.run(
        ["fish", "--no-config", "-c", script],
        cwd=folder.folder,
        env=folder.environment(PATH=path),
        capture_output=True,
        text=True,
        timeout=120,
    )

    answers = [line.partition("\t")[0] for line in done.stdout.splitlines()]
    assert (answers, done.stderr) == ([expected.split()[-1] for _, expected in LINES], "")

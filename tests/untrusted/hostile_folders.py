"""Repositories of a stranger: folders whose files run code, lead outside, or have no end.

`FOLDERS` maps each name to a function that makes one of a sound project; `REFUSED_FOLDERS` are those whose pipeline
no verb may take. Everything that runs of them makes the file `CANARY`.
"""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from hostile_documents import HEAD

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "FOLDERS",
    "FUNCTIONS",
    "PIPELINE",
    "REFUSED_FOLDERS",
    "SECRET",
    "make_folder",
    "write",
    "write_refused",
]

SECRET = "canary-7f3a"
"""What lies outside of the project, and in the environment; no verb may say it."""

FUNCTIONS = "def one(text: str) -> dict: ...\ndef two(one: dict) -> dict: ...\ndef probe(**_): ...\n"
PIPELINE = f"""\
{HEAD}params: {{token: "${{env:STRANGER, nothing}}"}}
steps:
  one: {{call: "bomb:one", params: {{text: "${{params.token}}"}}, outputs: {{one: one.json}}}}
  two: {{call: "package.inner:two", inputs: {{one: one}}, outputs: {{two: two.json}}}}
"""
SHADOWS = (
    *(
        "sitecustomize",
        "usercustomize",
        "conftest",
        "setup",
        "noxfile",
        "pipespec",
        "yaml",
        "click",
        "mlflow",
    ),
    *("luigi", "jinja2", "tomllib", "json", "ast", "typing", "logging", "encodings/__init__", "site"),
    *("pipespec/__init__", "pipespec/cli/__init__", "pipespec/__main__", "_distutils_hack/__init__"),
)
GIT_PROGRAMS = (
    *("core.fsmonitor", "core.pager", "core.sshCommand", "core.editor", "core.askPass", "core.gitProxy"),
    *("credential.helper", "diff.external", "diff.evil.textconv", "diff.evil.command", "filter.evil.smudge"),
    *("filter.evil.clean", "filter.evil.process", "gpg.program", "gpg.ssh.program", "sequence.editor", "pager.diff"),
    *("interactive.diffFilter", "uploadpack.packObjectsHook", "alias.rev-parse", "alias.ls-tree", "alias.cat-file"),
)  # fmt: skip
HOOKS = ("post-checkout", "post-index-change", "fsmonitor-watchman", "pre-commit", "reference-transaction")


def bomb(canary: Path) -> str:
    return f"open({str(canary)!r}, 'w').close()\n"


def write(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text)
    return path


def git(folder: Path, *arguments: str) -> None:
    """Run git as the one who attacks, who is not us."""
    identity = ("-c", "user.name=x", "-c", "user.email=x@x", "-c", "init.defaultBranch=main")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def modules_that_shadow(folder: Path, canary: Path) -> None:
    for name in SHADOWS:
        write(folder, f"{name}.py", bomb(canary) + FUNCTIONS)


def entry_points(folder: Path, canary: Path) -> None:
    for group in (
        "pipespec.formats",
        "pipespec.resolvers",
        "console_scripts",
        "pytest11",
        "mlflow.run_context_provider",
    ):
        about = write(folder, f"evil-{group}-1.dist-info/entry_points.txt", f"[{group}]\nevil = bomb:one\n")
        write(
            folder,
            f"{about.parent.name}/METADATA",
            f"Metadata-Version: 2.1\nName: evil-{group}\nVersion: 1\n",
        )
    write(folder, "evil.pth", f"import os; os.close(os.open({str(canary)!r}, os.O_CREAT))\n")
    write(folder, "evil.egg-link", ".")
    write(folder, "evil.egg-info/entry_points.txt", "[pipespec.resolvers]\nevil = bomb:one\n")


def settings_of_tools(folder: Path, canary: Path) -> None:
    write(
        folder,
        "luigi.cfg",
        f"[core]\nlogging_conf_file={canary}.cfg\n[worker]\nno_install_shutdown_handler=true\n",
    )
    write(folder, "logging.conf", "[loggers]\nkeys=root\n")
    write(folder, "setup.cfg", "[metadata]\nname = stranger\n")
    write(folder, "MLproject", f"name: x\nentry_points: {{main: {{command: touch {canary}}}}}\n")
    write(folder, "pyvenv.cfg", "home = /tmp\n")
    write(folder, ".python-version", "9.9\n")
    write(folder, ".netrc", "machine 127.0.0.1 login a password b\n")
    variables = (
        "PYTHONPATH=.",
        "PYTHONSTARTUP=bomb.py",
        "GIT_DIR=evil",
        "GIT_SSH_COMMAND=./monitor.sh",
        "LD_PRELOAD=./x.so",
    )
    more = (
        "MLFLOW_TRACKING_URI=http://127.0.0.1:9",
        "GIT_EXTERNAL_DIFF=./monitor.sh",
        "PATH=.",
        "PAGER=./monitor.sh",
    )
    write(folder, ".env", "\n".join((*variables, *more, f"STRANGER={SECRET}")) + "\n")


def hostile_git(folder: Path, canary: Path) -> None:
    """Make a repository whose settings, hooks and attributes name a program at every place that git knows."""
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "x")
    program = write(folder, "monitor.sh", f"#!/bin/sh\ntouch {canary}\ncat\n")
    program.chmod(0o755)
    for name in ("git", "sh", "less", "ssh", "dot", "python", "env", "uname"):
        (folder / name).symlink_to("monitor.sh")
    write(folder, ".gitattributes", "* diff=evil filter=evil merge=evil\n")
    write(folder, ".git/info/attributes", "* diff=evil filter=evil merge=evil\n")
    write(folder, ".gitmodules", f'[submodule "x"]\npath = x\nurl = ext::{program}\nupdate = !{program}\n')
    for setting in GIT_PROGRAMS:
        value = f"!{program}" if setting.startswith("alias.") else str(program)
        git(folder, "config", setting, value)
    git(folder, "config", "core.hooksPath", str(write(folder, "hooks/none", "").parent))
    git(folder, "config", "include.path", "../evil.gitconfig")
    for setting, value in {"remote.origin.url": f"ext::{program}", "remote.origin.promisor": "true"}.items():
        git(folder, "config", setting, value)
    git(folder, "config", "extensions.partialClone", "origin")
    for hook in HOOKS:
        for where in (".git/hooks", "hooks"):
            write(folder, f"{where}/{hook}", program.read_bytes()).chmod(0o755)
    write(folder, "pipeline.yaml", PIPELINE + "x-later: 1\n")


def state_of_ours(folder: Path, canary: Path) -> None:
    for name in (
        "__init__.py",
        "sitecustomize.py",
        "memos/x.py",
        "downloads/x",
        "logs/a.log",
        "digests.json",
        "digests/x",
    ):
        write(folder, f".pipespec/{name}", bomb(canary))
    for number, content in enumerate(
        (b"", b"\0" * 100, b"{" * 100_000, b"cos\nsystem\n(S'true'\ntR.", b"\xff" * 64)
    ):
        write(folder, f".pipespec/memos/{number:064x}", content)
    os.mkfifo(folder / ".pipespec/memos/pipe")
    (folder / ".pipespec/memos/zero").symlink_to("/dev/zero")


def state_that_is_a_link(folder: Path, canary: Path) -> None:
    (folder / ".pipespec").symlink_to(canary.parent / "outside")


def state_that_is_a_file(folder: Path, canary: Path) -> None:
    del canary
    write(folder, ".pipespec", "none")


def odd_files(folder: Path, canary: Path) -> None:
    """Put pipes, devices, links in a circle, sockets and names of all kinds beside the pipeline."""
    os.mkfifo(folder / "pipe.yaml")
    os.mkfifo(folder / "pipe.py")
    os.mkfifo(folder / "README.md")
    (folder / "zero.yaml").symlink_to("/dev/zero")
    (folder / "outside.yaml").symlink_to(canary.parent / "outside/part.yaml")
    (folder / "circle").symlink_to(".")
    (folder / "loop.yaml").symlink_to("loop.yaml")
    (folder / "nowhere.yaml").symlink_to("/nonexistent/x.yaml")
    for name in (
        b"\xff\xfe.yaml",
        b"a\x1b]0;x\x07.yaml",
        b"a\nb.yaml",
        b"-rf.yaml",
        "\u202eb.yaml".encode(),
        b"; touch x.yaml",
    ):
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_text("a: 1\n")
    with socket.socket(socket.AF_UNIX) as one:
        back = Path.cwd()
        os.chdir(folder)  # the name of a socket is short
        try:
            one.bind("socket.yaml")
        finally:
            os.chdir(back)


def huge_files(folder: Path, canary: Path) -> None:
    del canary
    for name in ("huge.yaml", "words.py", "data.csv", "pipeline.prod.yaml", ".env"):
        with (folder / name).open("wb") as file:
            file.truncate(20 << 30)


def deep_toml(folder: Path, canary: Path) -> None:
    del canary
    write(
        folder,
        "pyproject.toml",
        f"[tool.pipespec]\nfile = 'pipeline.yaml'\n[x]\na = {'[' * 50_000}{']' * 50_000}\n",
    )


def huge_number_in_toml(folder: Path, canary: Path) -> None:
    del canary
    write(folder, "pyproject.toml", f"[tool.pipespec]\n[x]\na = {'9' * 100_000}\n")


def long_key_in_toml(folder: Path, canary: Path) -> None:
    del canary
    write(folder, "pyproject.toml", f"[tool.pipespec]\n[{'a.' * 20_000}b]\nc = 1\n")


def pipe_as_settings(folder: Path, canary: Path) -> None:
    del canary
    (folder / "pyproject.toml").unlink()
    os.mkfifo(folder / "pyproject.toml")


def deep_source(folder: Path, canary: Path) -> None:
    """Write sources that bring a reader of Python down: deep, long, of odd encodings, cut off."""
    sources = {
        "deep": f"a = {'(' * 5000}{')' * 5000}\n",
        "long": f"a = {'1 + ' * 50_000}1\n",
        "unary": f"a = {'-' * 50_000}1\n",
        "dots": f"a = b{'.c' * 20_000}\n",
        "calls": f"a = b{'()' * 20_000}\n",
        "inner": "".join(f"{' ' * n}if a:\n" for n in range(99)) + " " * 99 + "pass\n",
        "codec": "# coding: rot13\nvzcbeg bf\n",
        "unknown": "# coding: nonsense\na = 1\n",
        "nul": "a = 1\0\n",
        "number": f"a = {'9' * 100_000}\n",
        "annotation": f"def one(text: {'list[' * 900}int{']' * 900}) -> dict: ...\n",
        "text": f"def one(text: '{'(' * 5000}') -> dict: ...\n",
        "union": f"def one(text: {' | '.join(['int'] * 3000)}) -> dict: ...\n",
        "decorated": "@x\n" * 20_000 + "def one(text): ...\n",
        "star": "from circle_a import *\n",
        "bases": "".join(f"class C{n}(C{n - 1}): pass\n" for n in range(1, 3000))
        + "def one(text: C2999): ...\n",
        "elif_": "def one(text):\n if a: pass\n" + " elif a: pass\n" * 3000,
    }
    steps = []
    for name, source in sources.items():
        write(folder, f"{name}.py", bomb(canary) + source)
        steps.append(
            f'  s-{name.strip("_")}: {{call: "{name}:one", params: {{text: a}}, outputs: {{one: one.json}}}}\n'
        )
    write(folder, "circle_a.py", "from circle_b import *\n")
    write(folder, "circle_b.py", "from circle_a import *\n")
    write(folder, "pipeline.yaml", f"{HEAD}steps:\n{''.join(steps)}")


def a_template_without_end(folder: Path, canary: Path) -> None:
    del canary
    write(folder, "deep.j2", "{{ " + "(" * 20_000 + ")" * 20_000 + " }}")
    write(folder, "pipeline.yaml", PIPELINE + "notify: [{url: 'json://127.0.0.1:9/', template: deep.j2}]\n")


def a_template_that_reaches(folder: Path, canary: Path) -> None:
    code = "{{ ''.__class__.__mro__[1].__subclasses__() }}{% include '/etc/passwd' %}"
    write(folder, "evil.j2", code + f"{{{{ cycler.__init__.__globals__.os.system('touch {canary}') }}}}")
    write(folder, "pipeline.yaml", PIPELINE + "notify: [{url: 'json://127.0.0.1:9/', template: evil.j2}]\n")


def a_probe(folder: Path, canary: Path) -> None:
    del canary
    write(
        folder,
        "pipeline.yaml",
        PIPELINE.replace("outputs: {one", "identity: {probe: 'bomb:probe'}, outputs: {one"),
    )


def a_store_elsewhere(folder: Path, canary: Path) -> None:
    del canary
    uri = f"http://127.0.0.1:9/{SECRET}"
    write(
        folder,
        "pipeline.yaml",
        f"{PIPELINE}mlflow: {{tracking_uri: '{uri}', artifact_location: 's3://x/'}}\n",
    )


def urls(folder: Path, canary: Path) -> None:
    """Name other hosts wherever a URL may stand."""
    del canary
    places = (
        "http://127.0.0.1:9/a.csv",
        "s3://127.0.0.1/a.csv",
        "ftp://127.0.0.1:9/a.csv",
        "gs://x/a.csv",
        "file:///etc/passwd",
    )
    steps = "".join(
        f"  u{n}: {{call: 'bomb:one', inputs: {{text: {{file: '{place}'}}}}}}\n"
        for n, place in enumerate(places)
    )
    notices = "".join(
        f"  - {{url: '{url}'}}\n" for url in ("json://127.0.0.1:9/", "syslog://", "dbus://", "windows://")
    )
    write(folder, "pipeline.yaml", f"{HEAD}steps:\n{steps}notify:\n{notices}")


def schemas(folder: Path, canary: Path) -> None:
    """Name schemas that refer to other hosts, to themselves, to files outside, or hold patterns that backtrack."""
    refs = ("http://127.0.0.1:9/x.json", "file:///etc/passwd", "../outside/secret.csv", "#", "#/$defs/a")
    steps = []
    for number, ref in enumerate(refs):
        write(folder, f"s{number}.json", f'{{"$ref": "{ref}", "$defs": {{"a": {{"$ref": "#/$defs/a"}}}}}}')
        steps.append(
            f"  r{number}: {{call: 'bomb:one', params: {{text: a}}, outputs: {{one: {{file: one.json, schema: s{number}.json}}}}}}\n"
        )
    write(folder, "deep.json", "[" * 50_000 + "]" * 50_000)
    steps.append(
        "  deep: {call: 'bomb:one', params: {text: a}, outputs: {one: {file: one.json, schema: deep.json}}}\n"
    )
    write(folder, "slow.json", '{"type": "object", "properties": {"text": {"pattern": "^(a+)+$"}}}')
    write(
        folder,
        "pipeline.yaml",
        f"{HEAD}params: {{text: {'a' * 40}!}}\nparams_schema: slow.json\nsteps:\n{''.join(steps)}",
    )
    del canary


FOLDERS: dict[str, Callable[[Path, Path], None]] = {
    "modules that shadow others": modules_that_shadow,
    "entry points": entry_points,
    "settings of tools": settings_of_tools,
    "git": hostile_git,
    "a folder .pipespec of theirs": state_of_ours,
    "a folder .pipespec that is a link": state_that_is_a_link,
    "a file .pipespec": state_that_is_a_file,
    "odd files": odd_files,
    "huge files": huge_files,
    "deep TOML": deep_toml,
    "a huge number in TOML": huge_number_in_toml,
    "a long key in TOML": long_key_in_toml,
    "a pipe as pyproject.toml": pipe_as_settings,
    "deep sources": deep_source,
    "a deep template": a_template_without_end,
    "a template that reaches": a_template_that_reaches,
    "a probe": a_probe,
    "a store elsewhere": a_store_elsewhere,
    "URLs": urls,
    "schemas": schemas,
}


def as_pipe(folder: Path, canary: Path) -> None:
    del canary
    os.mkfifo(folder / "pipeline.yaml")


def as_link(target: str) -> Callable[[Path, Path], None]:
    return lambda folder, _canary: (folder / "pipeline.yaml").symlink_to(target)


def as_socket(folder: Path, canary: Path) -> None:
    odd_files(folder, canary)
    (folder / "socket.yaml").rename(folder / "pipeline.yaml")


def as_folder(folder: Path, canary: Path) -> None:
    del canary
    (folder / "pipeline.yaml").mkdir()


def as_sparse(folder: Path, canary: Path) -> None:
    huge_files(folder, canary)
    (folder / "huge.yaml").rename(folder / "pipeline.yaml")


REFUSED_FOLDERS: dict[str, Callable[[Path, Path], None]] = {
    "a pipe": as_pipe,
    "a socket": as_socket,
    "a folder": as_folder,
    "20 GB of nothing": as_sparse,
    "/dev/zero": as_link("/dev/zero"),
    "/dev/tty": as_link("/dev/tty"),
    "/proc/self/environ": as_link("/proc/self/environ"),
    "/proc/kmsg": as_link("/proc/kmsg"),
    "a link to itself": as_link("pipeline.yaml"),
    "a link to /etc/passwd": as_link("/etc/passwd"),
}


def make_folder(folder: Path, canary: Path) -> None:
    """Make a sound project, whose modules make the canary when they are imported."""
    folder.mkdir()
    write(folder, "pyproject.toml", '[project]\nname = "stranger"\nversion = "1"\n')
    for name in ("bomb", "package/__init__", "package/inner"):
        write(folder, f"{name}.py", bomb(canary) + FUNCTIONS)
    write(folder, "pipeline.yaml", PIPELINE)
    write(canary.parent, "outside/secret.csv", SECRET)
    write(canary.parent, "outside/part.yaml", f"x-secret: {SECRET}\n")


def write_refused(folder: Path, canary: Path, content: bytes) -> None:
    """Put a document into the place of a project's pipeline, and a pipe beside it."""
    os.mkfifo(folder / "pipe.yaml")
    write(folder, "pipeline.yaml", content.replace(b"@CANARY@", str(canary).encode()))

"""The same repositories as another user, without network and on a read-only mount, with the kernel's own account of all calls.

Needs the rights of root, to make namespaces and to give them up; `.ci/run` has them in its container.
"""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from hostile_documents import REFUSED
from hostile_folders import FOLDERS, SECRET, make_folder, write_refused
from test_hostile_repositories import MISTAKEN
from watched_command import watched

NOBODY = "65534"
VERBS = {
    "validate": ("validate", "pipeline.yaml"),
    "validate FOLDER": ("validate", "."),
    "graph": ("graph", "pipeline.yaml", "--format", "html"),
    "render": ("render", "pipeline.yaml"),
}
JAIL = """
set -e
mount --bind "$1" "$1"
mount -o remount,ro,bind "$1"
cd "$1"
trace=$2
shift 2
exec strace -f -qq -o "$trace" -e trace=execve,connect,bind,openat,open,creat,unlink,unlinkat,rename,renameat2,mkdir,mkdirat,link,linkat,symlink,symlinkat \
  setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs "$@"
"""
CHANGES = re.compile(
    r"O_WRONLY|O_RDWR|O_CREAT|\b(?:creat|unlink|unlinkat|rename|renameat2|mkdir|mkdirat|link|linkat|symlink|symlinkat)\("
)
IS_SAFE_GIT = re.compile(
    r'execve\("[^"]*/git", \["git", "-C", "[^"]*", "--no-pager", "-c", "core.fsmonitor=false"'
)


def can_jail():
    if os.geteuid() != 0 or not all(map(shutil.which, ("unshare", "setpriv", "strace"))):
        return False
    return (
        subprocess.run(["unshare", "--net", "--mount", "true"], capture_output=True, check=False).returncode
        == 0
    )


pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(not can_jail(), reason="needs root, unshare, setpriv and strace"),
]


@pytest.fixture
def beside():
    """A folder that everybody may enter, which pytest's own are not."""
    with tempfile.TemporaryDirectory(prefix="jail-") as name:
        for place in (Path(name), Path(name, "cache"), Path(name, "temporary")):
            place.mkdir(exist_ok=True)
            place.chmod(0o777)
        yield Path(name)


def jailed(project_at, beside):
    """Run the verbs; return what each did, and the calls of the kernel that are none of a reader's."""
    folder, trace = beside / "project", beside / "trace"
    for path in (folder, *folder.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
    env = project_at(folder).environment(STRANGER=SECRET)
    prefix = ["unshare", "--net", "--mount", "sh", "-c", JAIL, "jail", str(folder), str(trace)]
    answers = watched(folder, list(VERBS.values()), env, prefix=prefix)
    return dict(zip(VERBS, answers, strict=True)), trace.read_text().splitlines()


def forbidden(calls, beside):
    """Return the calls that started a program, reached out, or changed anything beside what is the command's own."""
    own = re.compile(rf'"{re.escape(str(beside))}/(?:cache|temporary|report)[^"]*"|"/dev/null"|"/dev/tty"')
    done = [call for call in calls if " = -1 " not in call and "resumed>" not in call]
    programs = [call for call in done if "execve(" in call and not IS_SAFE_GIT.search(call)]
    yield from programs[2:]  # setpriv and Python
    yield from (call for call in calls if "connect(" in call and "AF_UNIX" not in call)
    yield from (
        call
        for call in done
        if CHANGES.search(call) and not own.search(call) and "execve(" not in call and not is_of_git(call)
    )
    yield from (call for call in done if f"{beside}/outside" in call)


def is_of_git(call):
    """Tell whether git opened its own standard streams."""
    return "/dev/null" in call


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_is_only_read(beside, project_at, name):
    make_folder(beside / "project", beside / "canary")
    FOLDERS[name](beside / "project", beside / "canary")

    answers, calls = jailed(project_at, beside)

    assert len(calls) > 100, "else the trace shows nothing"
    assert list(forbidden(calls, beside)) == []
    code = 1 if name in MISTAKEN else 0
    assert {verb: min(answer.code, 1) for verb, answer in answers.items()} == dict.fromkeys(VERBS, code)
    assert not [verb for verb, answer in answers.items() if "Traceback" in answer.said]
    assert not (beside / "canary").exists()


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in REFUSED
        if name.startswith(("an include", "a file", "a device", "an output", "tag !!python"))
    ],
)
def test_a_document_that_reaches_out_is_only_read(beside, project_at, name):
    make_folder(beside / "project", beside / "canary")
    write_refused(beside / "project", beside / "canary", REFUSED[name])

    answers, calls = jailed(project_at, beside)

    assert list(forbidden(calls, beside)) == []
    assert answers["validate"].code == 1
    assert not (beside / "canary").exists()

"""Verbs on a stranger's repositories: nothing of them runs, nothing is written or reached, and all ends soon with its exit code.

Each repository is made anew, and each verb runs on it under Python's audit hook, within limits of processor time and memory.
`test_kernel_and_jail` looks at the same repositories from outside of Python.
"""

from __future__ import annotations

import os

import pytest
from hostile_documents import REFUSED
from hostile_folders import FOLDERS, PIPELINE, REFUSED_FOLDERS, SECRET, make_folder, write, write_refused
from watched_command import watched

pytestmark = pytest.mark.faults

STRANGER = {
    "validate": ("validate", "pipeline.yaml", "--format", "json"),
    "validate FOLDER": ("validate", ".", "--format", "sarif"),
    "graph": ("graph", "pipeline.yaml", "--format", "html"),
    "render": ("render", "pipeline.yaml"),
    "diff": ("diff", "pipeline.yaml", "other/pipeline.yaml"),
}
"""Verbs that trust nothing."""

OWNER = {
    "config": ("config", "pipeline.yaml"),
    "plan": ("plan", "pipeline.yaml"),
    "explain": ("explain", "pipeline.yaml", "one"),
}
"""Verbs for one's own pipelines: they take the environment and `.env`, ask the tracking store, and run probes."""

RECORDS = {
    "status": ("status", "pipeline.yaml"),
    "compare": ("compare", "pipeline.yaml"),
    "lineage": ("lineage", "pipeline.yaml", "0123abcd"),
    "reproduce": ("reproduce", "pipeline.yaml", "0123abcd"),
}
"""Verbs that ask a pipeline which store it has, and read that."""

SERVING = {"ui": ("ui", "pipeline.yaml")}
"""It starts a server on the store of a pipeline that is sound."""

VERBS = STRANGER | OWNER
IN_TURN = list((RECORDS | SERVING).items())
"""Each refused document is also given to one of these verbs, which read it as `plan` does."""
MISTAKEN = {"deep sources", "a deep template", "a template that reaches", "URLs", "schemas"}
"""Folders whose pipelines have mistakes."""
PROCESSOR_SECONDS = 10.0
KILOBYTES = 700_000


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "project"
    make_folder(made, tmp_path / "canary")
    write(made, "other/pipeline.yaml", PIPELINE)
    write(made, "other/pyproject.toml", "")
    for name in ("bomb.py", "package/inner.py", "package/__init__.py"):
        write(made, f"other/{name}", (made / name).read_bytes())
    return made


def answers(project_at, folder, verbs, *, preloads=True, **environment):
    """Run verbs in a folder; assert what holds for each of them, and return what they did, by verb."""
    env = project_at(folder).environment(STRANGER=SECRET, **environment)
    found = dict(zip(verbs, watched(folder, list(verbs.values()), env, preloads=preloads), strict=True))
    for verb, answer in found.items():
        assert answer.code in (0, 1, 2, 3), (verb, answer.code, answer.said[-2000:])
        assert "Traceback" not in answer.said, (verb, answer.said[-2000:])
        assert answer.seconds < PROCESSOR_SECONDS, (verb, answer.seconds)
        assert answer.kilobytes < KILOBYTES, (verb, answer.kilobytes)
    return found


def forbidden(answer):
    """Return the deeds that no verb on a stranger's files may do: all but git with its helpers off."""
    return [deed for deed in answer.deeds if not (is_safe_git(deed) or is_look_for_ipv6(deed))]


def misdeeds(answers):
    return {verb: deeds for verb, answer in answers.items() if (deeds := forbidden(answer))}


def is_safe_git(deed):
    helpless = ("core.fsmonitor=false", "core.hooksPath=/dev/null", "protocol.allow=never", "--no-pager")
    asked = ("rev-parse", "ls-tree", "cat-file", "ls-files", "symbolic-ref")
    return deed[:2] == ("start", "git") and set(helpless) < set(deed) and bool(set(asked) & set(deed))


def is_look_for_ipv6(deed):
    """Tell whether urllib3, which Apprise imports, looked at a socket of its own whether the machine has IPv6."""
    return deed == ("socket.bind", "(('::1', 0),)")


def refused(answers):
    return {verb: answer.code for verb, answer in answers.items()}


def verbs_for(number):
    verbs = {verb: words for verb, words in VERBS.items() if verb != "validate FOLDER"}
    return verbs | dict([IN_TURN[number % len(IN_TURN)]])


def codes_of_refusal(verbs):
    return {verb: 1 if verb.startswith("validate") else 2 for verb in verbs}


@pytest.mark.parametrize("name", REFUSED)
def test_a_document_is_refused_by_every_verb(folder, project_at, tmp_path, name):
    write_refused(folder, tmp_path / "canary", REFUSED[name])
    verbs = verbs_for(sorted(REFUSED).index(name))

    found = answers(project_at, folder, verbs)

    assert refused(found) == codes_of_refusal(verbs)
    assert misdeeds(found) == {}
    assert not [verb for verb, answer in found.items() if SECRET in answer.said or "root:x:0" in answer.said]
    assert not [verb for verb, answer in found.items() if len(answer.said) > 1_000_000]
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize("name", REFUSED_FOLDERS)
def test_what_is_no_file_of_the_project_is_refused_by_every_verb(folder, project_at, tmp_path, name):
    (folder / "pipeline.yaml").unlink()
    REFUSED_FOLDERS[name](folder, tmp_path / "canary")
    verbs = verbs_for(sorted(REFUSED_FOLDERS).index(name))

    found = answers(project_at, folder, verbs)

    codes = codes_of_refusal(verbs)
    if name == "a folder":  # which is looked through for pipelines
        codes["validate"] = 2
    assert refused(found) == codes
    assert misdeeds(found) == {}
    assert not [verb for verb, answer in found.items() if SECRET in answer.said or "root:x:0" in answer.said]


@pytest.mark.parametrize("name", FOLDERS)
def test_nothing_of_a_folder_runs_where_a_stranger_is_not_trusted(folder, project_at, tmp_path, name):
    FOLDERS[name](folder, tmp_path / "canary")

    found = answers(project_at, folder, STRANGER, preloads=False)

    codes = dict.fromkeys(STRANGER, 0) if name not in MISTAKEN else codes_of_refusal(STRANGER)
    assert refused(found) == codes, {verb: answer.said[-500:] for verb, answer in found.items()}
    assert misdeeds(found) == {}
    said = {verb for verb, answer in found.items() if SECRET in answer.said}
    assert said == ({"graph", "render", "diff"} & said if name == "a store elsewhere" else set())
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize("name", sorted(set(FOLDERS) - {"a probe", "a store elsewhere"}))
def test_verbs_of_an_owner_run_nothing_but_probes_and_reach_nothing_but_the_store(
    folder, project_at, tmp_path, name
):
    FOLDERS[name](folder, tmp_path / "canary")

    number = sorted(FOLDERS).index(name)
    of_records = dict(
        [list(RECORDS.items())[number % len(RECORDS)]]
    )  # one of them on each, since each takes a second

    found = answers(project_at, folder, OWNER | of_records, preloads=False)

    done = {verb: {deed[0] for deed in forbidden(answer)} for verb, answer in found.items()}
    reached = {"socket.getaddrinfo", "socket.connect"} if name == "settings of tools" else set()
    assert done == {"config": set(), **dict.fromkeys(["plan", "explain", *of_records], reached)}
    assert not (tmp_path / "canary").exists()


def test_only_a_probe_runs_and_only_for_an_owner(folder, project_at, tmp_path):
    """Else the canary of the other tests shows nothing."""
    FOLDERS["a probe"](folder, tmp_path / "canary")

    found = answers(project_at, folder, {"plan": OWNER["plan"]})

    assert found["plan"].code == 0, found["plan"].said
    assert (tmp_path / "canary").exists()


STAGES = "stages:\n  one: {cmd: 'cat data.csv > one.csv', deps: [data.csv], outs: [one.csv]}\n"
DVC = {
    "commands": "stages: {a: {cmd: 'touch @CANARY@; echo $(touch @CANARY@) `touch @CANARY@`', outs: [o]}}\n",
    "parameters in Python": "vars: [bomb.py]\nstages: {a: {cmd: 'x ${one}', params: [bomb.py: [one]], outs: [o]}}\n",
    "parameters outside": "vars: [../outside/part.yaml]\nstages: {a: {cmd: 'x ${x-secret}', outs: [o]}}\n",
    "parameters of the machine": "vars: [/etc/passwd]\nstages: {a: {cmd: x, params: [/proc/self/environ: ], outs: [o]}}\n",
    "a pipe as parameters": "vars: [pipe.yaml]\nstages: {a: {cmd: x, params: [pipe.yaml: [a]], outs: [o]}}\n",
    "paths outside": "stages: {a: {cmd: x, wdir: ../outside, deps: [secret.csv, /etc/passwd], outs: [../../o]}}\n",
    "a bomb of aliases": "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nstages: {a: {cmd: *c, outs: [o]}}\n",
    "a product": "vars: [{n: [0,1,2,3,4,5,6,7,8,9]}]\nstages:\n  a:\n    matrix: {"
    + ", ".join(f"m{number}: '${{n}}'" for number in range(8))
    + "}\n    cmd: x ${item.m0}\n    outs: [o]\n",
    "nested references": "stages: {a: {cmd: '" + "${" * 3000 + "}" * 3000 + "', outs: [o]}}\n",
    "deep data": "vars: [{a: " + "[" * 5000 + "]" * 5000 + "}]\nstages: {a: {cmd: x, outs: [o]}}\n",
    "objects": "stages: {a: {cmd: !!python/object/apply:os.system ['touch @CANARY@'], outs: [o]}}\n",
    "the rest of a project": STAGES,
}


@pytest.mark.parametrize("name", DVC)
def test_stages_of_a_stranger_are_converted_or_refused_and_nothing_of_them_runs(
    folder, project_at, tmp_path, name
):
    FOLDERS["modules that shadow others"](folder, tmp_path / "canary")
    write(folder, "dvc.yaml", DVC[name].replace("@CANARY@", str(tmp_path / "canary")))
    os.mkfifo(folder / "pipe.yaml")
    os.mkfifo(folder / "dvc.lock")
    write(folder, ".dvc/config", "[core]\n  hook = touch canary\n['remote \"x\"']\n  url = ext::sh\n")
    write(folder, "params.yaml", "token: '${env:STRANGER}'\n")

    found = answers(project_at, folder, {"convert": ("convert", "dvc.yaml", "-o", "-")}, preloads=False)

    assert misdeeds(found) == {}
    assert SECRET not in found["convert"].said
    assert "root:x:0" not in found["convert"].said
    converted = {"commands": 0, "the rest of a project": 0, "paths outside": 1}
    assert found["convert"].code == converted.get(name, 2), found["convert"].said
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize("name", REFUSED_FOLDERS)
def test_stages_that_are_no_file_of_the_project_are_refused(folder, project_at, tmp_path, name):
    (folder / "pipeline.yaml").unlink()
    REFUSED_FOLDERS[name](folder, tmp_path / "canary")
    (folder / "pipeline.yaml").rename(folder / "dvc.yaml")

    found = answers(project_at, folder, {"convert": ("convert", "dvc.yaml", "-o", "-")})

    assert refused(found) == {"convert": 2}
    assert misdeeds(found) == {}
    assert SECRET not in found["convert"].said
    assert "root:x:0" not in found["convert"].said


def test_a_revision_of_a_hostile_repository_is_read_without_its_programs(folder, project_at, tmp_path):
    FOLDERS["git"](folder, tmp_path / "canary")
    verbs = {
        "diff": ("diff", "pipeline.yaml"),
        "diff of two": ("diff", "pipeline.yaml@HEAD", "pipeline.yaml@HEAD~0"),
    }

    found = answers(project_at, folder, verbs)

    assert misdeeds(found) == {}
    assert {verb: answer.code for verb, answer in found.items()} == dict.fromkeys(verbs, 0), found[
        "diff"
    ].said
    assert any("cat-file" in deed for deed in found["diff"].deeds)
    assert not (tmp_path / "canary").exists()

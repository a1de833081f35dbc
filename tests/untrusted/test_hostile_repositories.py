"""Verbs on a stranger's repositories: nothing of them runs, nothing is written or reached, and all ends soon with its exit code.

Each repository is made anew, and each verb runs on it under Python's audit hook, within limits of processor time and memory.
`test_kernel_and_jail` looks at the same repositories from outside of Python.
"""

from __future__ import annotations

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

VERBS = STRANGER | OWNER
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


def codes_of_refusal(verbs):
    return {verb: 1 if verb.startswith("validate") else 2 for verb in verbs}


@pytest.mark.parametrize("name", REFUSED)
def test_a_document_is_refused_by_every_verb(folder, project_at, tmp_path, name):
    write_refused(folder, tmp_path / "canary", REFUSED[name])
    verbs = {verb: words for verb, words in VERBS.items() if verb != "validate FOLDER"}

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
    verbs = {verb: words for verb, words in VERBS.items() if verb != "validate FOLDER"}

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

    found = answers(project_at, folder, OWNER, preloads=False)

    done = {verb: {deed[0] for deed in forbidden(answer)} for verb, answer in found.items()}
    reached = {"socket.getaddrinfo", "socket.connect"} if name == "settings of tools" else set()
    assert done == {"config": set(), "plan": reached, "explain": reached}
    assert not (tmp_path / "canary").exists()


def test_only_a_probe_runs_and_only_for_an_owner(folder, project_at, tmp_path):
    """Else the canary of the other tests shows nothing."""
    FOLDERS["a probe"](folder, tmp_path / "canary")

    found = answers(project_at, folder, {"plan": OWNER["plan"]})

    assert found["plan"].code == 0, found["plan"].said
    assert (tmp_path / "canary").exists()


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

"""Which past run may count though code or packages changed, by the parts of its key."""

from __future__ import annotations

import copy

import pytest

from pipespec.plan.acceptance import differs_in_code_only

PARTS = {
    "name": "fit",
    "call": "work:fit",
    "code": {"digest": "a"},
    "params": {"depth": 4},
    "inputs": {
        "table": {"content": {"file": "1", "suffix": ".csv"}, "load": ["call", "work:read", {"digest": "b"}]},
        "plain": {"content": {"file": "2", "suffix": ".csv"}},
    },
    "outputs": [["model", "model.bin", ["call", "work:save", {"digest": "c"}]], ["log", "log.txt", None]],
    "packages": {"numpy": "1.0"},
    "version": 1,
    "probe": 7,
}


def changed(*path_and_value):
    *path, last, value = path_and_value
    parts = copy.deepcopy(PARTS)
    place = parts
    for key in path:
        place = place[key]
    place[last] = value
    return parts


ALIKE = {
    "nothing": PARTS,
    "code": changed("code", {"digest": "z"}),
    "installed code": changed("code", {"package": ["lib", "2.0"]}),
    "code that does not count": changed("code", None),
    "a loader's code": changed("inputs", "table", "load", ["call", "work:read", {"digest": "z"}]),
    "a saver's code": changed("outputs", 0, ["model", "model.bin", ["call", "work:save", None]]),
    "a package": changed("packages", {"numpy": "2.0"}),
}
OTHER = {
    "name": changed("name", "train"),
    "call": changed("call", "work:train"),
    "param": changed("params", "depth", 5),
    "type of a param": changed("params", "depth", 4.0),
    "content": changed("inputs", "table", "content", {"file": "3", "suffix": ".csv"}),
    "loader": changed("inputs", "table", "load", ["call", "work:other", {"digest": "b"}]),
    "way to load": changed("inputs", "table", "load", ["options", {"sep": ";"}]),
    "output's file": changed("outputs", 1, ["log", "log.md", None]),
    "outputs' order": changed("outputs", PARTS["outputs"][::-1]),
    "version": changed("version", 2),
    "probe": changed("probe", 8),
    "no manifest": {},
}


@pytest.mark.parametrize("kind", ALIKE)
def test_code_and_packages_may_differ(kind):
    assert differs_in_code_only(PARTS, ALIKE[kind])


@pytest.mark.parametrize("kind", OTHER)
def test_anything_else_may_not(kind):
    assert not differs_in_code_only(PARTS, OTHER[kind])
    assert not differs_in_code_only(OTHER[kind], PARTS)


def test_packages_that_are_new_in_the_key_may_differ():
    without = {kind: value for kind, value in PARTS.items() if kind != "packages"}

    assert differs_in_code_only(PARTS, without)

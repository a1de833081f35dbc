"""What a worker says of itself before it executes steps."""

from __future__ import annotations

import platform
from importlib.metadata import version

import pytest

pytest.importorskip("distributed", reason="there is no Dask: pip install -e '.[test]'")

from pipespec.engine.dask.step_host import Visit, _refusal

HERE = {
    "name": "pipespec-1",
    "topic": "client-1",
    "root": "/project",
    "sign": "/project/sign",
    "python": ".".join(platform.python_version_tuple()[:2]),
    "pipespec": version("pipespec"),
    "packages": {},
    "modules": (),
    "environment": {},
    "grace": 1.0,
}
CLICK = version("click")


@pytest.mark.parametrize(
    ("other", "refusal"),
    [
        ({}, ""),
        ({"packages": {"click": CLICK, "no-such-package": None}}, ""),
        ({"python": "2.7"}, f"it has Python {HERE['python']}, and this run 2.7"),
        (
            {"pipespec": "9.1"},
            f"it has pipespec {HERE['pipespec']}, and this run 9.1: pip install pipespec==9.1",
        ),
        ({"packages": {"click": "1.0"}}, f"it has click {CLICK}, and this run 1.0: pip install click==1.0"),
        (
            {"packages": {"no-such-package": "1.0"}},
            "it has no package 'no-such-package', and this run 1.0: pip install no-such-package==1.0",
        ),
        ({"packages": {"click": None}}, f"it has click {CLICK}, and this run none"),
    ],
)
def test_a_worker_that_differs_says_in_what(other, refusal):
    assert _refusal(Visit(**{**HERE, **other})) == refusal

"""What a library does without where a process is pipespec's own, and that it is whole in anybody else's."""

import json
import subprocess
import sys

import pytest

SHOW = """
import json, sys
from contextlib import nullcontext
from pipespec.own_process import leaving_out, own_process
with eval(sys.argv[1]), leaving_out("tornado", "json"):
    import tenacity
import tornado.gen
print(json.dumps([hasattr(tenacity, "TornadoRetrying"), json.dumps(1)]))
"""


@pytest.mark.parametrize(("process", "is_whole"), [("own_process()", False), ("nullcontext()", True)])
def test_a_module_is_left_out_for_a_moment_and_in_our_own_process_alone(process, is_whole):
    done = subprocess.run([sys.executable, "-c", SHOW, process], capture_output=True, check=True)

    assert json.loads(done.stdout) == [is_whole, "1"]


RUN = """
import sys
from pipespec.cli import run
try:
    run.run.main(["pipeline.yaml", *sys.argv[1:]], standalone_mode=False)
finally:
    import luigi.rpc, luigi.parameter
    print(luigi.rpc.HAS_REQUESTS, luigi.parameter._JSONSCHEMA_ENABLED, file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("options", "said"), [([], "False False"), (["--scheduler", "http://127.0.0.1:9"], "True True")]
)
def test_luigi_is_whole_where_a_luigid_is_asked(empty_project, options, said):
    empty_project.write("steps.py", "def one() -> int:\n    return 1\n")
    empty_project.write(
        "pipeline.yaml",
        "pipespec: 1\nname: p\nsteps:\n  one:\n    call: steps:one\n    outputs: {out: out.json}\n",
    )

    done = subprocess.run(
        [sys.executable, "-c", RUN, *options],
        cwd=empty_project.folder,
        env=empty_project.environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert said in done.stderr.splitlines()

"""Which tests one process runs under `-n`, since they share what takes seconds to make; most tests stand alone."""

from pathlib import PurePosixPath

__all__ = ["BY_PARAM", "FILES", "process_group"]

FILES = {
    "test_accept.py",
    "test_editor.py",
    "test_explain.py",
    "test_handover_checks.py",
    "test_news.py",
    "test_packaging.py",
    "test_pipelines_run.py",
    "test_readers.py",
    "test_reproduce.py",
    "test_runtime_wheel.py",
    "test_searching_ledger.py",
    "test_step_zoo.py",
}
"""Their tests share one thing."""

BY_PARAM = {"test_reuse.py"}
"""Their tests share one thing for each param."""


def process_group(nodeid: str) -> str:
    """Name the group of a test, which is its own id where it stands alone."""
    path, _, test = nodeid.partition("::")
    file = PurePosixPath(path).name
    if file in BY_PARAM:
        return f"{file}[{test.partition('[')[2]}"
    return file if file in FILES else nodeid

"""What a step's log has of what is logged with Python's `logging`."""

import os
import re
import subprocess
import sys

import pytest

PATHS = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
ONE = {"out": "out.json"}
OURS = {
    "a logger": ("logging.getLogger('shop').info('sold %d', 3)", "T INFO shop: sold 3\n"),
    "the module's own function": ("logging.info('sold')", "T INFO root: sold\n"),
    "a warning": ("logging.getLogger('shop').warning('few')", "T WARNING shop: few\n"),
    "details": ("logging.getLogger('shop').debug('price')", ""),
    "details that are asked for": (
        "logging.getLogger('shop').setLevel(logging.DEBUG)\nlogging.getLogger('shop').debug('price')",
        "T DEBUG shop: price\n",
    ),
    "a level alone": (
        "logging.getLogger().setLevel(logging.ERROR)\nlogging.info('sold')\nlogging.error('no')",
        "T ERROR root: no\n",
    ),
    "a logger of its own": (
        (
            "shop = logging.getLogger('shop')\n"
            "shop.addHandler(logging.StreamHandler(sys.stdout))\n"
            "shop.info('sold')\nlogging.info('other')"
        ),
        "sold\nT INFO root: other\n",
    ),
    "an exception": (
        "try:\n    1 / 0\nexcept ZeroDivisionError:\n    logging.exception('so')",
        "T ERROR root: so\nTraceback (most recent call last):\n...ZeroDivisionError: division by zero\n",
    ),
    "a replaced stream": (
        (
            "import io\nkept, sys.stderr = sys.stderr, io.StringIO()\n"
            "logging.info('sold')\nsys.stdout.write(sys.stderr.getvalue())\nsys.stderr = kept"
        ),
        "T INFO root: sold\n",
    ),
}
THEIRS = {
    "a format": (
        "logging.basicConfig(format='%(message)s!')\nlogging.info('a')\nlogging.warning('b')",
        "b!\n",
    ),
    "a format and a level": (
        "logging.basicConfig(level='INFO', format='%(message)s!')\nlogging.info('a')",
        "a!\n",
    ),
    "nothing in particular": (
        "logging.basicConfig()\nlogging.info('a')\nlogging.warning('b')",
        "WARNING:root:b\n",
    ),
    "a mapping": (
        (
            "import logging.config\n"
            "logging.config.dictConfig({'version': 1, 'handlers': {'h': {'class': 'logging.StreamHandler'}},\n"
            "                           'root': {'level': 'INFO', 'handlers': ['h']}})\nlogging.info('a')"
        ),
        "a\n",
    ),
    "a handler": (
        "logging.getLogger().addHandler(logging.StreamHandler())\nlogging.info('a')\nlogging.warning('b')",
        "b\n",
    ),
    "a silence": ("logging.disable()\nlogging.warning('b')", ""),
}


def log_of(run_step, code, *, before=""):
    body = "\n".join(f"    {line}" for line in code.splitlines())
    done = run_step(f"{before}\n\ndef step():\n    import logging, sys\n{body}\n    return 1\n", outputs=ONE)
    assert done.failure is None
    log = re.sub(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}", "T", done.log, flags=re.MULTILINE)
    return re.sub(r"  File .*\n(    .*\n)*", "...", log)


@pytest.mark.parametrize("before", ["", "import logging"], ids=["", "imported before"])
@pytest.mark.parametrize(("code", "log"), OURS.values(), ids=OURS)
def test_from_info_on_all_is_in_the_log_with_its_time(run_step, code, log, before):
    assert log_of(run_step, code, before=before) == log


@pytest.mark.parametrize(("code", "log"), THEIRS.values(), ids=THEIRS)
def test_code_that_configures_logging_has_the_say(run_step, code, log):
    assert log_of(run_step, code) == log


def test_a_module_that_configures_logging_has_the_say(run_step):
    before = "import logging\nlogging.basicConfig(format='%(name)s %(message)s')\n"
    assert (
        log_of(run_step, "logging.info('a')\nlogging.getLogger('x').warning('b')", before=before) == "x b\n"
    )


def test_logging_is_not_imported_for_it():
    code = (
        "import sys\n"
        "from pipespec.step.step_logging import log_on_import\n"
        "log_on_import()\n"
        "assert 'logging' not in sys.modules\n"
        "import logging\n"
        "logging.info('sold')\n"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], env=PATHS, capture_output=True, text=True, timeout=60
    )
    assert re.sub(r"^[-0-9: ,]{23}", "T", done.stderr) == "T INFO root: sold\n"

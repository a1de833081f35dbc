"""Fuzzes the reader of pipeline files by coverage: `python tests/untrusted/fuzz_by_coverage.py CORPUS -max_total_time=600`.

For work by hand, with atheris, which `pip install atheris` installs for some versions of Python. Each input is a pipeline file; an
error that is not ours ends the program, which then writes the input to `crash-*`. Keep it as a case of `tests/golden/invalid`.
"""

import contextlib
import sys

import atheris

with atheris.instrument_imports(include=["pipespec.document", "pipespec.spec"]):
    from pipespec.document.interpolation.resolver_interface import Resolvers
    from pipespec.document.layers.resolve_layers import IncludedSource, resolve
    from pipespec.errors import InvalidPipelineError
    from pipespec.spec.schema.document_schema import check_shape

RESOLVERS = Resolvers(name="fuzzed")


def fetch(written, span):
    raise AssertionError((written, span))


def try_one(content):
    """Read, interpolate and check a file; one that includes others is left out."""
    if b"include" not in content:
        with contextlib.suppress(InvalidPipelineError):
            source = IncludedSource("pipeline.yaml", content)
            check_shape(resolve(source, fetch=fetch, resolvers=RESOLVERS).document)


if __name__ == "__main__":
    atheris.Setup(sys.argv, try_one)
    atheris.Fuzz()

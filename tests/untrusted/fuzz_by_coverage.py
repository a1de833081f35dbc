"""Fuzzes the reader of pipeline files by coverage, with atheris.instrument_imports(include=["pipespec.document", "pipespec.spec"]):
    from pipespec.document.interpolation.resolver_interface import Resolvers
    from pipespec.document.layers.resolve_layers import IncludedSource, resolve
    from pipespec.errors import InvalidPipelineError
    from pipespec.spec.schema.document_schema import check_shape

RESOLVERS = Resolvers(name="fuzzed")


def fetch(written, span):
    raise AssertionError((written, span))  # the corpus includes nothing


def try_one(content):
    """Read, interpolate and check a file."""
    if b"include" in content:
        return
    try:
        check_shape(resolve(IncludedSource("pipeline.yaml", content), fetch=fetch, resolvers=RESOLVERS).document)
    except InvalidPipelineError:
        pass


if __name__ == "__main__":
    atheris.Setup(sys.argv, try_one)
    atheris.Fuzz()

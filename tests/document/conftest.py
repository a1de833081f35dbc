"""What the tests of this stage share: mistakes as short lines."""

from __future__ import annotations

import pytest

from pipespec.errors import InvalidPipelineError


@pytest.fixture(scope="session")
def mistakes():
    """Do something that must find mistakes; give each as `line:column-line:column code: message (hint)`."""

    def collect(act):
        with pytest.raises(InvalidPipelineError) as caught:
            act()
        return [
            f"{d.span.line}:{d.span.column}-{d.span.end_line}:{d.span.end_column} {d.code}: {d.message}"
            + (f" ({d.hint})" if d.hint else "")
            for d in caught.value.diagnostics
        ]

    return collect

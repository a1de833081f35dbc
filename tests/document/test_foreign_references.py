from __future__ import annotations

import pytest

from pipespec.document.interpolation.foreign_references import with_references
from pipespec.document.yaml.yaml_reader import read

DOCUMENT = read("params: {seed: 4, model: {epochs: 3}, name: x}", file="p.yaml")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("{{ params.seed }}", "${params.seed}"),
        ("{{params.model.epochs}}", "${params.model.epochs}"),
        ("{{ params.seed | int }}", "${params.seed}"),
        ("{{ seed }}", "${params.seed}"),
        ("${{ params.seed }}", "${params.seed}"),
        ("${{ env.HOME }}", "${env:HOME}"),
        ("${{ secrets.KEY }}", "${secret:KEY}"),
        ("$params.seed", "${params.seed}"),
        ("$seed", "${params.seed}"),
        ("$(params.seed)", "${params.seed}"),
        ("@params.seed", "${params.seed}"),
        ("%(seed)s", "${params.seed}"),
        ("{params.seed}", "${params.seed}"),
        ("{wildcards.depth}", "${matrix.depth}"),
        ("<params.seed>", "${params.seed}"),
        ("<%= seed %>", "${params.seed}"),
        ("params.seed", "${params.seed}"),
        ("cfg.seed", None),
        ("{{ cfg.model.epochs }}", "${params.model.epochs}"),
        ("$HOME", "${env:HOME}"),
        ("a-{{ params.seed }}/$params.name", "a-${params.seed}/${params.name}"),
        ("seed", None),
        ("params.other", None),
        ("{{ customer }}", None),
        ("Dear {name}, $5 for @seed", None),
        ("{}", None),
        ("$", None),
        ("%", None),
        ("", None),
        ("a: {params.other}", None),
        ("{{ " + "x" * 5_000 + " }}", None),
    ],
)
def test_a_reference_of_another_tool_is_read_where_the_document_has_its_name(text, wanted):
    assert with_references(text, DOCUMENT) == wanted

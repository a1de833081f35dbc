"""Files of other tools are told by what they are; a pipeline file never is, whatever mistakes are in it."""

import pytest

from pipespec.spec.foreign_files import foreign_file


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("dvc.yaml", "stages:\n  a:\n    cmd: x\n", "'dvc.yaml' is a file of DVC, not a pipeline file"),
        ("p.yaml", "vars: []\nstages:\n  a:\n    foreach: [1]\n    do: {}\n", "'p.yaml' is a file of DVC, not a pipeline file"),
        ("Snakefile", "", "'Snakefile' is a Snakefile, not a pipeline file"),
        ("rules.smk", b"\xff", "'rules.smk' is a Snakefile, not a pipeline file"),
        ("p.yaml", "tasks:\n  - source: get.py\n", "'p.yaml' is a pipeline of Ploomber, not a pipeline file"),
        ("catalog.yml", "raw:\n  type: pandas.CSVDataset\n", "'catalog.yml' is a catalog of Kedro, not a pipeline file"),
        ("config.yaml", "defaults:\n  # the model\n  - model: ridge\n", "'config.yaml' is a configuration of Hydra, not a pipeline file"),
        ("flow.py", "from metaflow import FlowSpec\n", "'flow.py' is a flow of Metaflow, not a pipeline file"),
        ("tasks.py", "import luigi\n", "'tasks.py' is a module of Luigi, not a pipeline file"),
        ("tasks.py", "import gokart\nimport luigi\n", "'tasks.py' is a module of gokart, not a pipeline file"),
        ("steps.py", "", "'steps.py' is a Python file, not a pipeline file"),
        ("pipeline.yaml", "pipespec: 1\nstages:\n  a:\n    cmd: x\n", None),
        ("pipeline.yaml", "name: a\nsteps:\n  a: {call: 'a:b'}\n", None),
        ("pipeline.yaml", "defaults: {timeout: 2h}\nsteps: {}\n", None),
        ("pipeline.yaml", "stages: [a]\n", None),
        ("pipeline.yaml", "", None),
    ],
)  # fmt: skip
def test_a_file_of_another_tool_is_told_by_what_it_is(name, text, said):
    found = foreign_file(f"there/{name}", text)

    assert (None if found is None else found.message) == said

"""Notebooks as steps, executed in a real kernel."""

import json

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

pytestmark = pytest.mark.slow


@pytest.fixture
def notebook(run_step, tmp_path):
    """Run a notebook of these cells; one that begins with `#params` has the tag `parameters`."""

    def run(*cells, name="report.ipynb", params=None, **fields):
        place = tmp_path / "project" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        made = []
        for number, one in enumerate(cells):
            tags = ["parameters"] if one.startswith("#params") else []
            tags += ["raises-exception"] if one.startswith("#raises") else []
            is_text = one.startswith("#!")
            cell = new_markdown_cell(one[1:]) if is_text else new_code_cell(one, metadata={"tags": tags})
            cell["id"] = f"cell{number}"
            made.append(cell)
        nbformat.write(new_notebook(cells=made), place)
        return run_step(
            "", call="pipespec.steps:notebook", params={"notebook": name, **(params or {})}, **fields
        )

    return run


def test_values_are_variables_and_stand_behind_the_default_ones(notebook, one, tmp_path):
    raw = tmp_path / "raw.csv"
    raw.write_text("a\n1\n")
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "helpers.py").write_text("def shout(text):\n    return text.upper()\n")

    done = notebook(
        "import helpers, json, os",
        "#params\ndepth = 1\nother = 5",
        "clean.write_text(helpers.shout(raw.read_text()) * depth)",
        "print(json.dumps([depth, other, names, rate, nothing, os.getcwd()]))",
        params={"depth": 3, "names": ["a", {"b": True}], "rate": 0.5, "nothing": None},
        inputs=(one("raw", raw),),
        outputs=[("clean", "clean.csv"), ("executed", "report.ipynb")],
    )

    assert done.failure is None
    assert done.output("clean.csv").read_text() == "A\n1\n" * 3
    executed = nbformat.read(done.output("report.ipynb"), as_version=4)
    assert [cell.metadata.get("tags", []) for cell in executed.cells] == [
        [],
        ["parameters"],
        ["injected-parameters"],
        [],
        [],
    ]
    assert executed.cells[2].source.splitlines() == [
        "# Parameters of the step", "from pathlib import Path", "", "raw = Path('raw.csv')", "depth = 3",
        "names = ['a', {'b': True}]", "nothing = None", "rate = 0.5", "clean = Path('clean.csv')",
    ]  # fmt: skip
    printed = json.loads(executed.cells[-1].outputs[0].text)
    assert printed == [3, 5, ["a", {"b": True}], 0.5, None, str(tmp_path / "project")]


def test_a_notebook_that_is_executed_twice_gives_the_same_bytes(notebook):
    runs = [notebook("print(x)", params={"x": 1}, outputs=[("executed", "e.ipynb")]) for _ in range(2)]

    first, second = (one.output("e.ipynb").read_bytes() for one in runs)
    assert (runs[0].failure, first == second) == (None, True)
    assert nbformat.reads(first.decode(), as_version=4).cells[0].source.endswith("x = 1")


def test_a_page_shows_the_executed_notebook(notebook):
    pytest.importorskip("nbconvert")

    plot = "import matplotlib.pyplot as plt\nplt.plot([1, 2])"
    done = notebook(
        "#!# Results", "print(40 + depth)", plot, params={"depth": 2}, outputs=[("page", "page.html")]
    )

    page = done.output("page.html").read_text()
    shown = ("Results" in page, ">42\n" in page, "data:image/png;base64," in page)
    assert (done.failure, shown) == (None, (True, True, True))


@pytest.mark.parametrize(
    ("cells", "params", "failure"),
    [
        (["x = 1", "#!text", "1 / (x - 1)"], {}, ("raised", "report.ipynb, cell 3: ZeroDivisionError: division by zero")),
        (["x ="], {}, ("raised", "report.ipynb, cell 1: SyntaxError: invalid syntax (")),
        (["import os", "os._exit(3)"], {}, ("raised", "report.ipynb, cell 2: the kernel ended (Kernel died): did the code crash or need too much memory?")),
        (["#raises\n1 / 0", "x = []\nx[1]"], {}, ("raised", "report.ipynb, cell 2: IndexError: list index out of range")),
        (["%no_such_magic\n"], {}, ("raised", "report.ipynb, cell 1: UsageError: Line magic function `%no_such_magic` not found")),
        (["print(1)\n%%time"], {}, ("raised", "report.ipynb, cell 1: UsageError: Line magic function `%%time` not found.")),
        (["1"], {"kernel": "none"}, ("import", "there is no Jupyter kernel 'none'; installed are 'python3'")),
        (["1"], {"class": 1}, ("binding", "'class' cannot be the name of a variable in a notebook")),
        (["1"], {"notebook": "gone.ipynb"}, ("import", "there is no file 'gone.ipynb'")),
    ],
)  # fmt: skip
def test_a_cell_that_fails_fails_the_step(notebook, cells, params, failure):
    done = notebook(*cells, params=params)

    kind, message = done.failure
    assert (kind, message[: len(failure[1])]) == failure
    if len(cells) == 3:
        assert "1 / (x - 1)" in done.log
        trace = done.outcome.failure.traceback
        assert ("----> 1 1 / (x - 1)" in trace, "nbclient" in trace, "x1b" in trace) == (True, False, False)


@pytest.mark.parametrize(
    ("output", "told"),
    [
        (("nb", "plot.html"), "if a page of the executed notebook is meant, call that output 'page'"),
        (("notebook_", "plot.ipynb"), "if the executed notebook is meant, call that output 'executed'"),
    ],
)
def test_an_output_that_seems_to_be_the_notebook_itself_is_told_what_it_is_called(notebook, output, told):
    done = notebook("1", outputs=[output])

    assert done.failure == ("outputs", f"report.ipynb did not write its output '{output[0]}'; {told}")


def test_a_python_file_with_cells_is_a_notebook(run_step, one, tmp_path):
    (tmp_path / "project").mkdir()
    raw = tmp_path / "raw.csv"
    raw.write_text("a\n1\n")
    (tmp_path / "project" / "plot.py").write_text(
        '# %% [markdown]\n# # Title\n\n# %% tags=["parameters"]\nupstream = None\nproduct = None\n\n# %%\n'
        "from pathlib import Path\ntext = Path(upstream['get']['data']).read_text()\n"
        "Path(product['table']).write_text(text * factor)\nprint([upstream['kept'], product['list'][0].name])\n"
    )
    params = {
        "notebook": "plot.py",
        "factor": 2,
        "upstream": {"get": {"data": "{inputs.raw}"}, "kept": "{params.factor} {inputs.raw}"},
        "product": {"table": "{outputs.table}", "list": ["{outputs.table}"]},
    }

    done = run_step(
        "",
        call="pipespec.steps:notebook",
        params=params,
        inputs=(one("raw", raw),),
        outputs=[("table", "table.csv"), ("executed", "plot.ipynb")],
    )

    assert done.failure is None
    assert done.output("table.csv").read_text() == "a\n1\n" * 2
    executed = nbformat.read(done.output("plot.ipynb"), as_version=4)
    assert [cell.cell_type for cell in executed.cells] == ["markdown", "code", "code", "code"]
    assert executed.cells[-1].outputs[0].text == "['{params.factor} {inputs.raw}', 'table.csv']\n"


def test_a_notebook_in_another_language_asks_for_its_kernel(run_step, tmp_path):
    (tmp_path / "project").mkdir()
    kernel = {"name": "ir", "language": "R", "display_name": "R"}
    made = new_notebook(cells=[new_code_cell("cat('x')")], metadata={"kernelspec": kernel})
    nbformat.write(made, tmp_path / "project" / "plot.ipynb")

    done = run_step("", call="pipespec.steps:notebook", params={"notebook": "plot.ipynb"})

    assert done.failure == (
        "binding",
        "plot.ipynb is written in R, and the kernel 'python3' executes Python; name its kernel in the params: kernel: ir",
    )


def test_a_notebook_that_is_not_utf_8_is_told_so(run_step, tmp_path):
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "plot.py").write_bytes("# %%\nx = 'é'\n".encode("latin-1"))

    done = run_step("", call="pipespec.steps:notebook", params={"notebook": "plot.py"})

    assert done.failure == ("import", "'plot.py' is not UTF-8 text (at byte 10); save it as UTF-8")


def test_a_template_in_the_params_of_a_notebook_names_what_the_step_has(notebook):
    done = notebook("pass", params={"product": {"x": "{outputs.tabel}"}}, outputs=[("table", "table.csv")])

    assert done.failure == (
        "binding",
        "'{outputs.tabel}' is not one of the step's outputs; did you mean 'table'?",
    )

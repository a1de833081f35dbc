"""A dvc.yaml of every kind of stage is converted, runs as it does under DVC, and has nothing to do the second time."""

import json
import sys

DVC = """\
vars:
- folder: models
stages:
  clean:
    foreach: ${sites}
    do:
      cmd: PYTHON src/clean.py raw/${item}.txt clean/${item}.txt
      deps:
      - raw/${item}.txt
      - src/clean.py
      params:
      - least
      outs:
      - clean/${item}.txt
  fit:
    matrix:
      site: ${sites}
      depth: [2, 4]
    cmd: echo ${item.depth} $(cat clean/${item.site}.txt) > ${folder}/${key}.txt
    deps:
    - clean/${item.site}.txt
    outs:
    - ${folder}/${item.site}-${item.depth}.txt
  report:
    wdir: reports
    cmd:
    - cat ../models/*.txt > all.txt
    - printf '{"n":%s}' $(wc -l < all.txt) > scores.json
    deps:
    - ../models
    outs:
    - all.txt
    metrics:
    - scores.json:
        cache: false
"""
CLEAN = """\
import sys, yaml
least = yaml.safe_load(open("params.yaml"))["least"]
open(sys.argv[2], "w").writelines(line for line in open(sys.argv[1]) if int(line) >= least)
"""


def test_a_converted_pipeline_runs_once(empty_project):
    project = empty_project
    project.write("dvc.yaml", DVC.replace("PYTHON", sys.executable))
    project.write("params.yaml", "sites: [a, b]\nleast: 2\n")
    project.write("src/clean.py", CLEAN)
    project.write("raw/a.txt", "1\n2\n")
    project.write("raw/b.txt", "3\n")
    (project.folder / "reports").mkdir()

    converted = project.pipespec("convert", "dvc.yaml")
    assert (converted.code, converted.err) == (0, "pipeline.yaml: everything was converted\n")
    assert project.pipespec("validate", "pipeline.yaml").code == 0
    first = project.pipespec("run", "pipeline.yaml")
    assert "7 ran, 0 reused" in first.out, first.err
    assert project.pipespec("get", "pipeline.yaml", "report.all", "-").out == "2 2\n4 2\n2 3\n4 3\n"
    second = project.pipespec("run", "pipeline.yaml")
    assert "0 ran, 7 reused" in second.out
    # params.yaml is still where they are changed
    project.write("params.yaml", "sites: [a, b]\nleast: 3\n")
    changed = project.pipespec("plan", "pipeline.yaml", "clean")
    assert "param least: 2 -> 3" in " ".join(changed.out.split())
    assert sorted(path.name for path in project.folder.iterdir() if path.name not in (".pipespec", "mlflow.db", "mlartifacts")) == [
        "dvc.yaml", "params.yaml", "pipeline.yaml", "pyproject.toml", "raw", "reports", "src",
    ]  # fmt: skip


def test_a_file_that_is_there_is_replaced_only_by_force_and_a_bad_source_replaces_nothing(empty_project):
    project = empty_project
    project.write("dvc.yaml", "stages: {a: {cmd: date, frozen: true}}\n")
    project.write("pipeline.yaml", "mine")

    refused = project.pipespec("convert", "dvc.yaml")
    assert (refused.code, refused.err) == (
        2,
        "error: 'pipeline.yaml' exists; use --force to replace it, or -o to choose another file\n",
    )
    project.write("shell.yaml", "")  # as `> shell.yaml` leaves it before the command begins
    assert "exists" not in project.pipespec("convert", "dvc.yaml", "-o", "shell.yaml").err
    assert (project.folder / "shell.yaml").read_text().startswith("# Converted from dvc.yaml")
    absent = project.pipespec("convert", "dcv.yaml")
    assert (absent.code, absent.err.partition(";")[0]) == (2, "error: there is no file 'dcv.yaml'")
    shown = project.pipespec("convert", "dvc.yaml", "-o", "-", "--format", "json")
    assert shown.code == 1
    assert shown.out.startswith("# Converted from dvc.yaml")
    assert json.loads(shown.err[: shown.err.rindex("}") + 1])["diagnostics"][0]["code"] == "not-converted"
    project.write("dvc.yaml", "stages: {a: {cmd: '${b}'}}\n")
    broken = project.pipespec("convert", "dvc.yaml", "--force")
    assert (broken.code, "'${b}' in stage 'a' has no value" in broken.err) == (2, True)
    assert (project.folder / "pipeline.yaml").read_text() == "mine"

"""Pipelines in the form of the first examples in the documentation of DVC and Ploomber, moved: they run, and no program was changed.

Stages, commands, params and places are those of the examples; the programs are our own.
"""

from __future__ import annotations

import json
import re

import pytest

MOST_LINES = 1.3
"""So many times as long may a pipeline be as it was."""

DVC = """\
stages:
  prepare:
    cmd: python src/prepare.py data/data.xml
    deps:
    - data/data.xml
    - src/prepare.py
    params:
    - prepare.seed
    - prepare.split
    outs:
    - data/prepared
  featurize:
    cmd: python src/featurization.py data/prepared data/features
    deps:
    - data/prepared
    - src/featurization.py
    params:
    - featurize.max_features
    - featurize.ngrams
    outs:
    - data/features
  train:
    cmd: python src/train.py data/features model.pkl
    deps:
    - data/features
    - src/train.py
    params:
    - train.min_split
    - train.n_est
    - train.seed
    outs:
    - model.pkl
  evaluate:
    cmd: python src/evaluate.py model.pkl data/features
    deps:
    - data/features
    - model.pkl
    - src/evaluate.py
    outs:
    - eval
metrics:
- eval/metrics.json
plots:
- eval/plots/images/importance.svg
"""
PARAMS = """\
prepare:
  split: 0.20
  seed: 20170428

featurize:
  max_features: 100
  ngrams: 1

train:
  seed: 20170428
  n_est: 50
  min_split: 0.01
"""
PROGRAMS = {
    "src/prepare.py": """\
import os
import random
import sys
import xml.etree.ElementTree

import yaml

params = yaml.safe_load(open("params.yaml"))["prepare"]
random.seed(params["seed"])
os.makedirs(os.path.join("data", "prepared"), exist_ok=True)
with open("data/prepared/train.tsv", "w") as train, open("data/prepared/test.tsv", "w") as test:
    for line in open(sys.argv[1]):
        row = xml.etree.ElementTree.fromstring(line).attrib
        chosen = train if random.random() > params["split"] else test
        chosen.write(f"{'<r>' in row['Tags']:d}\\t{row['Title']}\\n")
""",
    "src/featurization.py": """\
import os
import pickle
import sys
from collections import Counter

import yaml

params = yaml.safe_load(open("params.yaml"))["featurize"]
source, target = sys.argv[1:]
os.makedirs(target, exist_ok=True)
rows = {
    part: [line.rstrip("\\n").split("\\t") for line in open(os.path.join(source, f"{part}.tsv"))]
    for part in ("train", "test")
}


def terms(text):
    words = text.split()
    return [" ".join(words[i : i + n]) for n in range(1, params["ngrams"] + 1) for i in range(len(words))]


known = Counter(term for _, text in rows["train"] for term in terms(text)).most_common(params["max_features"])
names = sorted(term for term, _ in known)
for part, found in rows.items():
    matrix = [(int(label), [terms(text).count(name) for name in names]) for label, text in found]
    with open(os.path.join(target, f"{part}.pkl"), "wb") as file:
        pickle.dump((matrix, names), file)
""",
    "src/train.py": """\
import pickle
import sys

import yaml

params = yaml.safe_load(open("params.yaml"))["train"]
matrix, names = pickle.load(open(f"{sys.argv[1]}/train.pkl", "rb"))
weights = [sum((1 if label else -1) * row[i] for label, row in matrix) for i in range(len(names))]
pickle.dump({"weights": weights, "trees": params["n_est"]}, open(sys.argv[2], "wb"))
""",
    "src/evaluate.py": """\
import json
import os
import pickle
import sys

model = pickle.load(open(sys.argv[1], "rb"))
scores = {}
for part in ("train", "test"):
    matrix, names = pickle.load(open(f"{sys.argv[2]}/{part}.pkl", "rb"))
    said = [sum(w * x for w, x in zip(model["weights"], row)) > 0 for _, row in matrix]
    scores[part] = sum(one == label for one, (label, _) in zip(said, matrix)) / len(matrix)
os.makedirs("eval/plots/images", exist_ok=True)
json.dump({"accuracy": scores}, open("eval/metrics.json", "w"))
open("eval/plots/images/importance.svg", "w").write("<svg xmlns='http://www.w3.org/2000/svg'/>")
""",
}


def lines(text):
    return text.count("\n")


@pytest.mark.slow
def test_the_first_example_of_dvc_runs_after_conversion_with_its_programs_as_they_are(empty_project):
    project = empty_project
    project.write("dvc.yaml", DVC)
    project.write("params.yaml", PARAMS)
    for name, text in PROGRAMS.items():
        project.write(name, text)
    project.write(
        "data/data.xml",
        "".join(
            f'  <row Title="{"plot a data frame" if n % 3 else "sort a list"}" Tags="{"&lt;r&gt;" if n % 3 else "&lt;go&gt;"}" />\n'
            for n in range(90)
        ),
    )

    converted = project.pipespec("convert", "dvc.yaml")
    assert (converted.code, converted.err) == (0, "pipeline.yaml: everything was converted\n")
    assert lines((project.folder / "pipeline.yaml").read_text()) <= MOST_LINES * lines(DVC)
    steps = ["prepare", "featurize", "train", "evaluate"]
    assert project.run() == dict.fromkeys(steps, "ran")
    assert project.run() == dict.fromkeys(steps, "reused")
    assert {name: (project.folder / name).read_text() for name in PROGRAMS} == PROGRAMS

    scores = project.pipespec("get", "evaluate.eval/metrics.json", "-").json["accuracy"]
    recorded = dict(project.query("select key, value from latest_metrics where key like 'accuracy.%'"))
    assert recorded == {f"accuracy.{part}": score for part, score in scores.items()}
    assert scores["test"] == 1

    project.write("params.yaml", PARAMS.replace("ngrams: 1", "ngrams: 2"))
    assert project.ran() == {"featurize", "train", "evaluate"}


PLOOMBER = """\
tasks:
   # source is the code you want to execute (.ipynb also supported)
  - source: 1-get.py
    # products are task's outputs
    product:
      # scripts generate executed notebooks as outputs
      nb: output/1-get.html
      # you can define as many outputs as you want
      data: output/raw_data.csv

  - source: 2-profile-raw.py
    product: output/2-profile-raw.html

  - source: 3-clean.py
    product:
      nb: output/3-clean.html
      data: output/clean_data.parquet

  - source: 4-profile-clean.py
    product: output/4-profile-clean.html

  - source: 5-plot.py
    product: output/5-plot.html
"""
MOVED = """\
pipespec: 1
steps:
  get:
    call: pipespec.steps:notebook
    params: {notebook: 1-get.py, product: {data: "{outputs.data}"}}
    outputs: {page: 1-get.html, data: raw_data.csv}
  profile_raw:
    call: pipespec.steps:notebook
    inputs: {raw: get.data}
    params: {notebook: 2-profile-raw.py, upstream: {1-get: {data: "{inputs.raw}"}}}
    outputs: {page: 2-profile-raw.html}
  clean:
    call: pipespec.steps:notebook
    inputs: {raw: get.data}
    params: {notebook: 3-clean.py, upstream: {1-get: {data: "{inputs.raw}"}}, product: {data: "{outputs.data}"}}
    outputs: {page: 3-clean.html, data: clean_data.parquet}
  profile_clean:
    call: pipespec.steps:notebook
    inputs: {clean: clean.data}
    params: {notebook: 4-profile-clean.py, upstream: {3-clean: {data: "{inputs.clean}"}}}
    outputs: {page: 4-profile-clean.html}
  plot:
    call: pipespec.steps:notebook
    inputs: {clean: clean.data}
    params: {notebook: 5-plot.py, upstream: {3-clean: {data: "{inputs.clean}"}}}
    outputs: {page: 5-plot.html}
"""
GET = """\
# %%
import pandas as pd

# %% tags=["parameters"]
upstream = None
product = None

# %%
df = pd.DataFrame({"state": ["Ohio", "Utah", None] * 4, "cases": range(10, 22), "deaths": range(12)})
df.to_csv(str(product["data"]), index=False)
"""
PROFILE = """\
# %% tags=["parameters"]
upstream = ["UP"]
product = None

# %%
import pandas as pd

df = pd.READ(upstream["UP"]["data"])
print(len(df), "rows")
"""
CLEAN = """\
# %% tags=["parameters"]
upstream = ["1-get"]
product = None

# %%
import pandas as pd

df = pd.read_csv(upstream["1-get"]["data"]).dropna()
df["death_percents"] = df.deaths / df.cases * 100
df.to_parquet(str(product["data"]), index=False)
"""
PLOT = """\
# %% tags=["parameters"]
upstream = ["3-clean"]
product = None

# %%
import matplotlib.pyplot as plt
import pandas as pd

# %%
df = pd.read_parquet(upstream["3-clean"]["data"])

# %%
df.death_percents.plot.hist()
plt.show()

# %%
df.head()
"""


@pytest.mark.slow
def test_the_first_example_of_ploomber_runs_to_its_last_step_with_its_notebooks_as_they_are(empty_project):
    project = empty_project
    project.write("pipeline.yaml", MOVED)
    for name, text in {
        "1-get.py": GET,
        "2-profile-raw.py": PROFILE.replace("UP", "1-get").replace("READ", "read_csv"),
        "3-clean.py": CLEAN,
        "4-profile-clean.py": PROFILE.replace("UP", "3-clean").replace("READ", "read_parquet"),
        "5-plot.py": PLOT,
    }.items():
        project.write(name, text)

    assert lines(MOVED) <= MOST_LINES * lines(PLOOMBER)
    assert project.run("-j", "2") == dict.fromkeys(
        ["get", "profile_raw", "clean", "profile_clean", "plot"], "ran"
    )
    assert project.ran() == set()
    page = project.pipespec("get", "plot.page", "-").out
    assert re.search(r'<img[^>]+src="data:image/png;base64,', page)
    assert "death_percents" in page
    assert "8 rows" in project.pipespec("get", "profile_clean.page", "-").out
    assert json.loads(project.pipespec("status", "--format", "json").out)["steps"][-1]["state"] == "complete"

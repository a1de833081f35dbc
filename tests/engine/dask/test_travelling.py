"""The project on its way to workers that do not see its folder."""

from __future__ import annotations

import os

import pytest

from pipespec.engine.dask.live_log import LiveLog
from pipespec.engine.dask.project_archive import pack, unpack
from pipespec.engine.dask.travelled_job import local_store, travelled
from pipespec.errors import UsageError
from pipespec.step.step_job import Artifact, InputJob, StepJob
from pipespec.step.witness.witness_job import WitnessJob


@pytest.fixture
def project(tmp_path):
    root = tmp_path / "project"
    (root / "news").mkdir(parents=True)
    (root / "news/text.py").write_text("edited meanwhile")
    (root / "run.sh").write_text("#!/bin/sh\n")
    (root / "run.sh").chmod(0o755)
    (tmp_path / "outside").write_text("secret")
    (root / "link").symlink_to(tmp_path / "outside")
    return root


def packed(project):
    names = ["run.sh", "news/text.py", "link", "gone", "run.sh"]
    return pack(project, names, {str(project / "news/text.py"): b"as planned"})


def test_a_project_arrives_as_it_was_planned_and_nothing_from_outside_of_it(project, tmp_path):
    place = unpack(packed(project), tmp_path)

    assert place == tmp_path / packed(project).digest
    found = {
        path.relative_to(place).as_posix(): path.read_text() for path in place.rglob("*") if path.is_file()
    }
    assert found == {"run.sh": "#!/bin/sh\n", "news/text.py": "as planned"}
    assert os.access(place / "run.sh", os.X_OK)


def test_an_archive_is_unpacked_once_for_each_content(project, tmp_path):
    place = unpack(packed(project), tmp_path)
    (place / "mark").touch()
    os.utime(project / "run.sh", (1, 1))

    assert unpack(packed(project), tmp_path) == place
    assert (place / "mark").exists()
    (project / "run.sh").write_text("#!/bin/bash\n")
    assert unpack(packed(project), tmp_path) != place


def test_a_project_that_is_too_large_is_refused_with_its_largest_file(project):
    with (project / "houses.csv").open("wb") as file:
        file.truncate(120 << 20)

    with pytest.raises(UsageError) as raised:
        pack(project, ["houses.csv", "run.sh"], {})

    assert str(raised.value) == (
        "workers do not see the project's folder, and its files are more than 100 MiB, 'houses.csv' alone 120 MiB; "
        "put data on a disk or at a URI that workers reach, and name it in .gitignore"
    )


def test_a_job_that_travels_has_all_paths_of_the_project_below_its_copy():
    job = StepJob(
        step="a",
        call="news:a",
        module_folders=("/home/project", "/home/project/src", "/opt/shared"),
        root="/home/project",
        staging="/home/project/.pipespec/staging/1",
        log="/home/project/.pipespec/logs/1.log",
        inputs=(
            InputJob("data", "one", (Artifact("/home/project/data.csv", "d", "data.csv"),)),
            InputJob("other", "one", (Artifact("mlflow-artifacts:/1/x.csv", "d", "x.csv"),)),
        ),
        code_files={"/home/project/news.py": "c", "/home/projects/other.py": "e"},
        code_folder="/home/project/.pipespec/staging/code",
        downloads="/home/project/.pipespec/downloads",
        witness=WitnessJob(
            root="/home/project",
            folders=("/home/project",),
            covered=("/home/project/data.csv",),
            not_data=("/home/project/mlruns",),
            counted_files=("/home/project/news.py",),
        ),
    )

    found = travelled(job, "/scratch/ab12", "/scratch/task")

    assert found == StepJob(
        step="a",
        call="news:a",
        module_folders=("/scratch/ab12", "/scratch/ab12/src", "/opt/shared"),
        root="/scratch/ab12",
        staging="/scratch/task/staging",
        log="/scratch/task/log.txt",
        inputs=(
            InputJob("data", "one", (Artifact("/scratch/ab12/data.csv", "d", "data.csv"),)),
            InputJob("other", "one", (Artifact("mlflow-artifacts:/1/x.csv", "d", "x.csv"),)),
        ),
        code_files={"/scratch/ab12/news.py": "c", "/home/projects/other.py": "e"},
        code_folder="",
        downloads="/scratch/ab12.downloads",
        witness=WitnessJob(
            root="/scratch/ab12",
            folders=("/scratch/ab12",),
            covered=("/scratch/ab12/data.csv",),
            not_data=("/scratch/ab12/mlruns", "/scratch/task", "/scratch/ab12.downloads"),
            counted_files=("/scratch/ab12/news.py",),
        ),
    )


@pytest.mark.parametrize(
    ("artifacts", "tracking", "store"),
    [
        ("mlflow-artifacts:/1/a", "http://server:5000", None),
        ("s3://bucket/1/a", "https://server", None),
        ("file:///home/mlruns/1/a", "http://server:5000", "/home/mlruns/1/a"),
        ("s3://bucket/1/a", "sqlite:////home/mlflow.db", "/home/mlflow.db"),
    ],
)
def test_results_that_go_to_a_folder_or_a_file_are_known(artifacts, tracking, store):
    job = StepJob("a", "m:f", (), "/p", "/s", "/l", artifact_uri=artifacts, tracking_uri=tracking)

    assert local_store(job) == store


def test_a_log_is_sent_in_pieces_while_it_grows(tmp_path):
    log, sent = tmp_path / "log.txt", []
    live = LiveLog(log, sent.append)
    live.send()
    for text in ("one\n", "two\n"):
        with log.open("a") as file:
            file.write(text)
        live.send()
        live.send()

    assert sent == [(0, b"one\n"), (4, b"two\n")]
    assert live.whole() == b"one\ntwo\n"

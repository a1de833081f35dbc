"""What Luigi sees of a plan."""

from __future__ import annotations

import pickle

import luigi
import pytest

from pipespec.engine.luigi.luigi_tasks import StepTask, TaskGraph, open_task_graph, raised_priorities
from pipespec.engine.luigi.luigi_worker import drive, logging_to


def graph(invocation="0123456789ab", **about):
    return TaskGraph(invocation, "news", {"ids": (), "titles": ("ids",)}, complete=set(), **about)


def test_a_task_is_shown_by_its_steps_name_and_params_first():
    upstream = {"train[depth=4]": ()}
    shown = {"train[depth=4]": '{"since": "2021", "depth": 4, "step": [1, "ü"]}'}
    with open_task_graph(TaskGraph("0123456789ab", "news", upstream, shown, complete=set())) as found:
        task, root = found.task("train[depth=4]"), found.root()

    assert (task.task_family, root.task_family) == ("train", "news")
    told = task.to_str_params()
    assert list(told)[:3] == ["since", "depth", "step"]
    assert {name: text for name, text in told.items() if name not in ("digest", "invocation")} == {
        "since": "2021",
        "depth": "4",
        "step": '[1, "ü"]',
        "pipespec.step": "train[depth=4]",
        "pipeline": "news",
    }


def test_reused_steps_are_told_only_to_who_is_watched():
    upstream = {"a": (), "b": (), "c": ("b",)}
    for shows_reused, told in ((False, ["c"]), (True, ["a", "b", "c"])):
        graph = TaskGraph("0123456789ab", "news", upstream, complete={"a", "b"}, shows_reused=shows_reused)
        with open_task_graph(graph) as found:
            assert [task.step for task in found.root().requires()] == told


def test_no_more_than_some_hundred_reused_steps_are_told():
    upstream = {f"s{n}": () for n in range(2000)} | {"last": ()}
    graph = TaskGraph("0123456789ab", "news", upstream, complete=set(upstream) - {"last"}, shows_reused=True)
    with open_task_graph(graph) as found:
        told = [task.step for task in found.root().requires()]

    assert (len(told), told[-1]) == (501, "last")


def test_tasks_of_two_runs_of_one_plan_have_different_ids():
    one, other = graph("aaaaaaaaaaaa"), graph("bbbbbbbbbbbb")

    assert one.task("ids").task_id != other.task("ids").task_id
    assert one.root().task_id != other.root().task_id


def test_task_ids_hold_more_than_the_forty_bits_of_luigis_hash():
    found = graph()

    beginnings = {found.task(step).task_id.rsplit("_", 1)[0] for step in found.upstream}

    assert len(beginnings) == 2


@pytest.mark.parametrize("name", ["output", "run", "requires", "complete", "task_id"])
def test_a_param_that_bears_a_name_of_luigi_replaces_nothing(name):
    with open_task_graph(graph(shown={"ids": f'{{"{name}": 1}}'})) as found:
        task = found.task("ids")

        assert task.output() == []
        assert task.complete() is False
        assert task.run() is None
        assert luigi.task.flatten(task.requires()) == []


def test_a_task_is_complete_when_the_board_says_so():
    with open_task_graph(graph()) as found:
        before = (found.task("ids").complete(), found.root().complete())
        found.complete.update(("ids", "titles"))
        after = (found.task("ids").complete(), found.root().complete())

    assert (before, after) == ((False, False), (True, True))


def test_a_task_requires_the_tasks_of_the_steps_above():
    with open_task_graph(graph()) as found:
        assert found.task("titles").requires() == [found.task("ids")]
        assert found.root().requires() == [found.task("ids"), found.task("titles")]


def test_a_task_survives_pickling():
    with open_task_graph(graph()) as found:
        task = pickle.loads(pickle.dumps(found.task("titles")))

        assert task == found.task("titles")
        assert task.requires() == [found.task("ids")]


def test_nothing_of_a_run_stays_in_luigis_cache():
    with open_task_graph(graph()) as found:
        task = found.task("ids")

    assert luigi.task_register.Register._Register__instance_cache == {}
    with pytest.raises(KeyError):
        task.graph


def test_the_class_is_found_by_its_name():
    assert luigi.task_register.Register.get_task_cls("pipespec.StepTask") is StepTask


def test_a_priority_is_raised_to_that_of_the_most_urgent_step_below():
    upstream = {"a": (), "b": ("a",), "c": ("b",), "d": ("a",)}

    assert raised_priorities(upstream, {"c": 5, "d": 7, "b": -3}) == {"a": 7, "b": 5, "c": 5, "d": 7}


def test_what_luigi_says_goes_to_the_log_alone(tmp_path, caplog, capfd):
    class Ends:
        slots, stopping, used = 1, False, {}

        def __init__(self, graph):
            self.graph, self.step = graph, None

        def begin(self, step):
            self.step = step

        def next_ended(self):
            self.graph.complete.add(self.step)
            return self.step, True

    found = graph()
    with logging_to(tmp_path / "luigi.log"):
        drive(found, Ends(found), resources={})

    assert "Running Worker" in (tmp_path / "luigi.log").read_text()
    assert caplog.records == []
    assert capfd.readouterr() == ("", "")

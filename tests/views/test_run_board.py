"""The table of a run that goes on, on terminals of few and many rows."""

import io

import pytest

from pipespec.activity import LARGE, Activity
from pipespec.plan.results import StoreAway
from pipespec.views.run_board import RunBoard, activity_row, activity_text


def drawn(renderable, columns=80):
    from rich.console import Console

    console = Console(file=io.StringIO(), width=columns, no_color=True)
    console.print(renderable)
    return [line.rstrip() for line in console.file.getvalue().rstrip("\n").split("\n")]


def board(running, total=20):
    made = RunBoard()
    made.total = total
    for number in range(running):
        made.started(f"s[{number}]", 0.0)
    return made


@pytest.mark.parametrize(
    ("height", "told"), [(24, 14), (16, 14), (15, 12), (10, 7), (5, 2), (4, 1), (3, 0), (1, 0)]
)
def test_running_steps_beyond_the_rows_are_summed_up(height, told):
    lines = drawn(board(14).draw(2.0, height, ()))

    more = [f"            … and {14 - told} more running"] if told < 14 else []
    assert lines == [f"     2.0 s  s[{n}]" for n in range(told)] + more + ["0 of 20 steps, 14 running"]
    assert len(lines) < max(height, 3)


def test_what_a_run_waits_for_is_told_as_long_as_no_step_runs():
    waiting = [Activity("opening the store x"), Activity("importing mlflow")]

    assert drawn(board(0).draw(1.0, 10, waiting)) == ["importing mlflow", "0 of 20 steps, 0 running"]
    assert drawn(board(1).draw(1.0, 10, waiting)) == ["     1.0 s  s[0]", "0 of 20 steps, 1 running"]


def test_large_files_have_bars_beside_their_step_and_below():
    made = board(2)
    made.tick(1.0, {"s[1]": Activity("uploading model.bin", 4 * LARGE, LARGE)})
    lines = drawn(made.draw(1.0, 10, [Activity("hashing big.csv", 2 * LARGE, LARGE)]))

    assert [line.replace("━", "").replace("╸", "").replace("╺", "").split() for line in lines] == [
        ["1.0", "s", "s[0]"],
        ["1.0", "s", "s[1]", "uploading", "model.bin", "50", "MB", "of", "200", "MB"],
        ["hashing", "big.csv", "50", "MB", "of", "100", "MB"],
        ["0", "of", "20", "steps,", "2", "running"],
    ]
    assert all("━" in lines[number] for number in (1, 2))


def test_a_store_that_is_away_keeps_its_line():
    made = board(9)
    made.away = StoreAway("why", 0.0, 60.0)

    assert drawn(made.draw(2.0, 6, ()))[-2:] == [
        "the store has been away for 2.0 s; results wait 1 min for it", "0 of 20 steps, 9 running",
    ]  # fmt: skip


def test_what_a_file_is_called_is_text():
    name = "hashing [red]\x1b[31mx\n"

    assert activity_text(Activity(name, LARGE)) == "hashing [red]\\x1b[31mx\\n (50 MB)"
    assert drawn(activity_row(Activity(name))) == ["hashing [red]\\x1b[31mx\\n"]

"""Tables of old results: which cells are runs, and what is said of those that are none."""

import math

import pytest

from pipespec.errors import UsageError
from pipespec.plan.old_results.read_results import TableOptions, read_results
from pipespec.plan.old_results.sheet import Sheet, column_letters
from pipespec.plan.old_results.table_columns import read_stated_kinds


def read(text, *kinds, **options):
    rows = tuple(tuple(line.split("|")) for line in text.strip("\n").split("\n"))
    merged = options.pop("merged", {})
    uncalculated = options.pop("uncalculated", frozenset())
    stated = read_stated_kinds(kinds)
    return read_results(Sheet(rows, "CSV", merged, uncalculated), TableOptions("old", stated, **options))


def told(text, *kinds, **options):
    found = read(text, *kinds, **options)
    assert found.runs == ()
    return [f"{one.place}: {one.message}; {one.hint}" for one in found.problems]


def test_a_row_is_a_run_with_what_its_columns_say():
    found = read(
        """
model|lr|epochs|acc|loss|memo|who|when|of|rest
parameter|Param| PARAMETERS |Metric|metrics|tag|name|date|experiment|ignore
bert|3e-05|03|0.80|nan| best, so far |first|2020/5/3|bert runs|x
|||-.5e1||||||
tfidf||5|inf|1|||2020-05-03 14:30||#N/A
"""
    )

    assert found.problems == ()
    first, second, third = found.runs
    assert (first.row, first.experiment, first.name, first.date) == (3, "bert runs", "first", "2020-05-03")
    assert first.params == {"model": "bert", "lr": "3e-05", "epochs": "03"}
    assert first.metrics["acc"] == 0.8
    assert math.isnan(first.metrics["loss"])
    assert first.tags == {"memo": " best, so far "}
    assert (second.experiment, second.params, second.metrics) == ("old", {}, {"acc": -5.0})
    assert (third.date, third.metrics) == ("2020-05-03 14:30:00", {"acc": math.inf, "loss": 1.0})


def test_rows_without_values_are_none_and_equal_rows_are_one_run():
    found = read("a|b\nparameter|metric\n1|2\n|\n1|2\n 1 |2.0\n1|3")

    assert [run.row for run in found.runs] == [3, 7]
    assert found.repeated == {5: 3, 6: 3}


def test_a_run_is_the_same_wherever_its_row_and_its_columns_stand():
    one = read("a|b|c\nparameter|metric|tag\n1|2|x\n5|6|y").runs
    other = read("c|a|b|d\ntag|parameter|metric|tag\ny|5|6|\nx|1|2|").runs

    assert {run.digest for run in one} == {run.digest for run in other}
    changed = read("a|b|c\nparameter|metric|tag\n1|2|z\n1|2.5|x\n2|2|x").runs
    assert {run.digest for run in one} & {run.digest for run in changed} == set()


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("good", "'good' is not a number; write a number, or leave the cell empty"),
        ("84.3%", "'84.3%' is a percentage; write 0.843, or use --percent for all of them"),
        ("1,024", "'1,024' has a comma between its digits; write 1024, or use --thousands for all of them"),
        ("0,84", "'0,84' is not a number; write 0.84"),
        ("#DIV/0!", "'#DIV/0!' is an error of the spreadsheet; correct it, or leave the cell empty"),
        ("1_000", "'1_000' is not a number; write a number, or leave the cell empty"),
        ("\uff10.\uff18", "'\uff10.\uff18' is not a number; write a number, or leave the cell empty"),
        ("1e999", "'1e999' is too large for a number; write a smaller number, or inf"),
    ],
)
def test_a_metric_that_is_no_number_is_told_with_the_way_out(cell, expected):
    assert told(f"x|acc\nparameter|metric\n1|0.5\n2|{cell}") == [f"row 4, column B 'acc': {expected}"]


def test_spellings_of_people_are_read_where_that_is_asked_for():
    found = read("n|acc\nparameter|metric\n1,024|84.3%\n16|1,000.5\n5%|7e1 %", percent=True, thousands=True)

    assert [run.params for run in found.runs] == [{"n": "1024"}, {"n": "16"}, {"n": "0.05"}]
    assert [run.metrics for run in found.runs] == [{"acc": 0.843}, {"acc": 1000.5}, {"acc": 0.7}]


def test_a_param_with_separators_is_a_text_unless_its_column_has_numbers():
    assert read("n\nparameter\n1,024\nsmall\nlarge").runs[0].params == {"n": "1,024"}
    assert told("n\nparameter\n16\n1,024\n32") == [
        "row 4, column A 'n': '1,024' has a comma between its digits; write 1024, or use --thousands for all of them"
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "a|a\nparameter|metric\n1|2",
            ["row 1, column B 'a': column A has this name, too; give each column a name of its own"],
        ),
        (
            "a|\nparameter|metric\n1|2",
            ["row 1, column B: the column has values, first in row 2, but no name; name the column in row 1"],
        ),
        (
            "a\nparameter\n1|2",
            ["row 1, column B: the column has values, first in row 3, but no name; name the column in row 1"],
        ),
        (
            "a|b\nparameter|\n1|2",
            [
                (
                    "row 2, column B 'b': the kind is empty; write parameter, metric or tag, or use --kind b=tag"
                    " (also: experiment, name, date, ignore)"
                )
            ],
        ),
        (
            "acc %|b\nmetric|number\n1|2",
            [
                (
                    "row 1, column A 'acc %': MLflow's names have letters, digits, spaces and the characters _ - . : /;"
                    " rename it, for example to 'acc'"
                ),
                (
                    "row 2, column B 'b': 'number' is not a kind; write parameter, metric or tag, or use --kind b=tag"
                    " (also: experiment, name, date, ignore)"
                ),
            ],
        ),
        (
            "mlflow.runName\ntag\nx",
            [
                "row 1, column A 'mlflow.runName': names that begin like this are MLflow's and pipespec's own; rename it"
            ],
        ),
        (
            "a|b\n1|2\n3|4",
            [
                (
                    "row 2: no cell of row 2 says parameter, metric or tag; insert a row below the names that says of each"
                    " column: parameter, metric or tag"
                )
            ],
        ),
        (
            "a|b\ndate|date\n2020-01-01|5/3/2020",
            [
                "row 2, column B 'b': column 'a' is the date of the runs already; only one column can be that",
                "row 3, column B 'b': '5/3/2020' is not a date; write it like 2020-05-03 or 2020-05-03 14:30",
            ],
        ),
        (
            "d\ndate\n2020-02-30",
            ["row 3, column A 'd': '2020-02-30' is not a date; write it like 2020-05-03 or 2020-05-03 14:30"],
        ),
        (
            f"a\nparameter\n{'x' * 6001}",
            [
                (
                    "row 3, column A 'a': the text has 6001 characters, and at most 6000 of a parameter can be kept;"
                    " make the column a tag"
                )
            ],
        ),
        (
            "a\nparameter",
            ["row 3: there is no row with values below the names and kinds; write one run in each row"],
        ),
        (
            "",
            [
                "row 2: there is no row with values below the names and kinds; write one run in each row",
            ],
        ),
    ],
)
def test_what_is_wrong_is_told_by_row_and_column_all_at_once(text, expected):
    assert told(text) == expected


def test_cells_of_a_workbook_that_have_no_value_of_their_own_are_told():
    table = "a||c\nparameter|metric|metric\n1|2|\n|4|5"

    assert told(table, merged={(0, 1): "A1", (3, 0): "A3"}, uncalculated={(2, 2)}) == [
        (
            "row 1, column B: the column has values, first in row 2, but no name, because its first cell is merged with A1;"
            " split the merged cell and name each column"
        ),
        (
            "row 3, column C 'c': the formula was never calculated; open the file in a spreadsheet program and save it, or"
            " write the value"
        ),
        "row 4, column A 'a': the cell is merged with A3; split it and write the value in each row",
    ]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("memo", "'--kind memo' does not say COLUMN=KIND; write for example --kind memo=tag"),
        (
            "a=number",
            (
                "'--kind a=number': there is no kind 'number'; the kinds are parameter, metric, tag, experiment, name,"
                " date, ignore"
            ),
        ),
        ("aa=tag", "the table has no column 'aa', for which --kind says what it is; did you mean 'a'?"),
    ],
)
def test_a_kind_that_does_not_fit_the_table_is_refused(kind, expected):
    with pytest.raises(UsageError) as refused:
        read("a\nparameter\n1", kind)
    assert str(refused.value) == expected


def test_a_stated_kind_goes_before_the_second_row():
    found = read("a=b|c\nmetric|\nx|1", "a=b=ignore", "c=metric")

    assert [(run.params, run.metrics, run.tags) for run in found.runs] == [({}, {"c": 1.0}, {})]


@pytest.mark.parametrize(("number", "letters"), [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA")])
def test_columns_have_the_letters_of_a_spreadsheet(number, letters):
    assert column_letters(number) == letters

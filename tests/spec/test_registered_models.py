"""How a version of a registered model is written."""

import pytest

from pipespec.spec.registered_models import (
    ModelInput,
    NotAModelError,
    alias_problem,
    model_name_problem,
    parse_model,
)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("news@champion", ModelInput("news@champion", "news", "champion")),
        ("news/3", ModelInput("news/3", "news", version=3)),
        ("news/latest", ModelInput("news/latest", "news")),
        ("news classifier.v2@a-b_1", ModelInput("news classifier.v2@a-b_1", "news classifier.v2", "a-b_1")),
    ],
)
def test_a_version_is_named_by_an_alias_a_number_or_as_the_latest(text, meant):
    assert parse_model(text) == meant


@pytest.mark.parametrize(
    ("text", "problem", "hint"),
    [
        ("news", "names no version of the model", "write 'news@champion', 'news/3' or 'news/latest'"),
        ("", "has no name", "write a version as 'news-classifier@champion' or 'news-classifier/3'"),
        ("@champion", "has no name", "write a version as 'news-classifier@champion' or 'news-classifier/3'"),
        ("a/b@champion", "has '/' in its name", "write a version as 'ab@champion' or 'ab/3'"),
        ("news@", "has an empty alias", "write 'news@champion'"),
        ("news@latest", "has the alias 'latest', which MLflow keeps for itself", "write 'news/latest'"),
        ("news@V3", "has the alias 'V3', which MLflow keeps for itself", "write 'news@champion'"),
        ("news/0", "has '0' in place of a version's number", "write 'news/3', or 'news@0' for an alias"),
        ("news/", "has '' in place of a version's number", "write 'news/3', or 'news@champion' for an alias"),
        ("models:/news/3", "is a URI of MLflow", "write 'news/3'"),
    ],
)
def test_what_names_no_version_is_told_with_the_way_to_write_it(text, problem, hint):
    with pytest.raises(NotAModelError) as told:
        parse_model(text)

    assert (str(told.value), told.value.hint) == (problem, hint)


@pytest.mark.parametrize(
    "name", ["", " ", ".", "..", "a/b", "a:b", "a@b", "a'b", 'a"b', "a`b", " a", "a\nb", "a" * 257]
)
def test_mlflow_itself_refuses_these_names_or_cannot_ask_for_them(name):
    assert model_name_problem(name) is not None


@pytest.mark.parametrize("alias", ["", "a b", "ä", "latest", "LATEST", "v1", "V12", "a" * 256])
def test_mlflow_itself_refuses_these_aliases(alias):
    assert alias_problem(alias) is not None

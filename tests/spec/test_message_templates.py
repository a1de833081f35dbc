"""Templates of messages: what is wrong with one is found by its text, and nothing gets out of one that is filled in."""

import tracemalloc

import pytest

from pipespec.spec.message_templates import TemplateError, TemplateMistake, mistakes_in, render

FACTS = {"pipeline": "news", "metrics": {"f1": {"value": 0.5, "before": None}}, "steps": [], "title": "t"}


@pytest.mark.parametrize(
    ("text", "mistakes"),
    [
        ("{{ pipeline }}", ()),
        (
            (
                "{% macro line(x) %}{{ x }}{{ caller() }}{% endmacro %}{% set own = 1 %}\n"
                "{% for x in steps %}{% call line(x) %}{{ loop.index + own }}{% endcall %}{% endfor %}"
            ),
            (),
        ),
        ("{% for name, one in metrics.items() %}{{ name }}{{ one.value|round(2) }}{% endfor %}", ()),
        (
            "a\n{{ pipline }}\n{{ pipline|upper }}",
            (TemplateMistake(2, "there is no variable 'pipline'", "did you mean 'pipeline'?"),),
        ),
        ("{{ x", (TemplateMistake(1, "unexpected end of template, expected 'end of print statement'"),)),
        (
            "\n{% for x in steps %}",
            (
                TemplateMistake(
                    2,
                    "unexpected end of template. Jinja was looking for the following tags: 'endfor' or 'else'. The"
                    " innermost block that needs to be closed is 'for'",
                ),
            ),
        ),
        (
            "{{ title|uper }}\n{{ 1 is evn }}",
            (
                TemplateMistake(1, "there is no filter 'uper'", "did you mean 'upper'?"),
                TemplateMistake(2, "there is no test 'evn'", "did you mean 'even'?"),
            ),
        ),
        (
            "{{ title.__class__ }}{{ title['__class__'] }}",
            (TemplateMistake(1, "'__class__' is not for templates", "use names without '_' in front"),),
        ),
        (
            "{% include 'x' %}",
            (
                TemplateMistake(
                    1,
                    "'include' is not for messages: a template is one file",
                    "write what it would bring into this file",
                ),
            ),
        ),
    ],
)
def test_mistakes_are_found_by_the_text_alone(text, mistakes):
    assert mistakes_in(text) == mistakes


def test_nothing_of_a_template_runs_when_it_is_looked_at():
    mistakes_in("{{ 1 }}")  # imports Jinja2
    tracemalloc.start()
    try:
        found = mistakes_in(
            "{{ 'x' * 10 ** 7 }}{{ 'x'|center(10 ** 7) }}{% set all = [0] * 10 ** 7 %}{{ all }}"
        )
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert found == ()
    assert peak < 10**6


def test_a_template_makes_a_text_and_may_set_the_title():
    text = "{% set title = 'Look: ' ~ pipeline %}\n{% for name in metrics %}\n- {{ name }}\n{% endfor %}\n"

    assert render(text, FACTS) == ("Look: news", "- f1")
    assert render("{{ title }}\n", FACTS) == (None, "t")


def test_what_it_makes_is_cut():
    _, body = render("{% for n in range(99999) %}{{ n }} {% endfor %}", FACTS)

    assert body == "".join(f"{n} " for n in range(9999))[:10_000] + "..."


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("\n{{ metrics.f2.value }}", 2, "'dict object' has no attribute 'f2'"),
        (
            "{% for x in range(10 ** 9) %}{% endfor %}",
            1,
            "Range too big. The sandbox blocks ranges larger than MAX_RANGE (100000).",
        ),
        ("{{ 1 / 0 }}", 1, "division by zero"),
        (
            "{{ title|attr('__cl' ~ 'ass__') }}",
            1,
            "access to attribute '__class__' of 'str' object is unsafe.",
        ),
        ("{{ title['__cl' ~ 'ass__'] }}", 1, "access to attribute '__class__' of 'str' object is unsafe."),
        (
            "{{ '{0.__class__}'.format(title) }}",
            1,
            "access to attribute '__class__' of 'str' object is unsafe.",
        ),
        (
            "{{ title.format.__globals__ }}",
            1,
            "access to attribute '__globals__' of 'function' object is unsafe.",
        ),
        ("{{ metrics.clear() }}", 1, "access to attribute 'clear' of 'dict' object is unsafe."),
        ("{{ steps.append(1) }}", 1, "access to attribute 'append' of 'list' object is unsafe."),
        (
            "{{ cycler.__init__.__globals__.os.system('x') }}",
            1,
            "access to attribute '__init__' of 'type' object is unsafe.",
        ),
        ("{% include '/etc/passwd' %}", 1, "no loader for this environment specified"),
        ("{{ lipsum() }}", 1, "'lipsum' is undefined"),
        ("{{ x", 1, "unexpected end of template, expected 'end of print statement'."),
    ],
)
def test_what_reaches_out_of_a_template_is_refused_with_its_line(text, line, problem):
    with pytest.raises(TemplateError) as refused:
        render(text, FACTS)

    assert (refused.value.line, refused.value.problem[: len(problem)]) == (line, problem)

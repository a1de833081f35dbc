import html

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from news.sample import make_articles
from news.text import strip_bodies, strip_html

CASES = {
    "nothing": ("", ""),
    "plain text": ("one two", "one two"),
    "inline tags part no words": ("<p>un<b>believ</b>able</p>", "unbelievable"),
    "blocks part words": ("<p>one</p><p>two</p><ul><li>three</li><li>four</li></ul>", "one two three four"),
    "table cells part words": ("<table><tr><th>a</th><td>b</td></tr><tr><td>c</td></tr></table>", "a b c"),
    "line breaks part words": ("one<br>two<br/>three<hr/>four", "one two three four"),
    "named, decimal and hexadecimal entities": ("caf&eacute; &#8217; &#x6771; &amp;", "café \u2019 東 &"),
    "an escaped tag stays text": ("a &lt;b&gt; c", "a <b> c"),
    "doubly escaped is unescaped once": ("&amp;lt;", "&lt;"),
    "no-break spaces are white space": ("7&nbsp;&lt;&nbsp;9", "7 < 9"),
    "comments go": ("a<!-- <b>no</b> -->b", "ab"),
    "scripts and styles go": ("a<script>if (x < y) {'<p>'}</script><style>p {}</style>b", "ab"),
    "a greater-than sign in an attribute": ('<img alt="a > b">text', "text"),
    "upper case and attributes over lines": ('<P\nCLASS="x">one</P>two', "one two"),
    "an unclosed tag": ("<p>one <b>two", "one two"),
    "a stray closing tag": ("one</script></div>two", "one two"),
    "Windows line ends and tabs": ("one\r\n\ttwo", "one two"),
    "other alphabets": ("<p>東京 Зима ελιά</p>", "東京 Зима ελιά"),
}


@pytest.mark.parametrize(("body", "expected"), CASES.values(), ids=CASES.keys())
def test_stripping_leaves_what_a_reader_sees(body, expected):
    assert strip_html(body) == expected


@given(st.text())
def test_escaped_text_comes_back_but_for_its_white_space(text):
    text = "".join(char for char in text if char.isprintable() or char.isspace())

    assert strip_html(f"<p>{html.escape(text)}</p>") == " ".join(text.split())


@given(st.text(alphabet="<>/!-&;abp \"'=\n"))
def test_no_markup_however_broken_is_an_error(body):
    assert "\n" not in strip_html(body)


def test_bodies_of_the_sample_keep_no_markup():
    bodies = pd.DataFrame([{"id": row.id, "body_html": row.body_html} for row in make_articles(60)])

    texts = strip_bodies(bodies)

    assert list(texts.columns) == ["id", "text"]
    assert list(texts["id"]) == list(bodies["id"])
    joined = " ".join(texts["text"])
    for markup in ("<p", "</", "<!--", "teaser", "noise", "&amp;", "&nbsp;", "\xa0"):
        assert markup not in joined
    for kept in ("7 < 9", "« ", " & ", "—"):
        assert kept in joined

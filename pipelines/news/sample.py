"""Makes up news articles, so that the example runs before there is a database.

Takes a seed, gives rows of the table `articles`: the same rows for the same seed, on every machine. The
bodies are HTML as it is found in the wild: nested tags, entities, comments, tables, scripts, other alphabets.
Categories can be learned but not perfectly: articles borrow words from each other.
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Final

__all__ = ["CATEGORIES", "Article", "make_articles"]

CATEGORIES: Final = {
    "culture": "museum painting novel orchestra festival theatre sculpture poet premiere gallery café exhibition",
    "economy": "market inflation bank exports budget shares wages tariff startup investor Zürich quarter",
    "health": "clinic vaccine patients nurse diagnosis therapy hospital diet virus insurance naïve screening",
    "science": "telescope molecule experiment galaxy neurons climate fossil laboratory Ångström probe theorem data",
    "sport": "goal coach league marathon tournament referee injury transfer stadium medal São training",
    "travel": "island train airport hotel border harbour hiking 東京 museum coast visitors passport",
}
_COMMON: Final = [
    "people",
    "week",
    "report",
    "public",
    "new",
    "plan",
    "according",
    "city",
    "national",
    "group",
    "early",
    "results",
    "officials",
    "announced",
    "change",
    "support",
    "future",
    "early",
    "local",
    "service",
    "team",
    "work",
    "question",
    "number",
    "world",
    "open",
    "year",
    "visitors",
    "training",
    "insurance",
    "budget",
    "climate",
    "festival",
    "data",
    "border",
]
_FIRST_DAY: Final = date(2021, 1, 1)
_DAYS: Final = 4 * 365
_OWN_WORDS: Final = 0.13
_BORROWED_WORDS: Final = 0.06


@dataclass(frozen=True, slots=True)
class Article:
    """One row of the table `articles`."""

    id: int
    published: date
    title: str
    summary: str
    body_html: str
    category: str


def make_articles(count: int = 600, *, seed: int = 0) -> list[Article]:
    """Return `count` articles with ids from 1001 on, their dates spread over four years from 2021 on."""
    random = Random(seed)  # noqa: S311 - a sample, not a secret
    return [_make_article(1001 + position, random) for position in range(count)]


def _make_article(number: int, random: Random) -> Article:
    category, other = random.sample(sorted(CATEGORIES), 2)
    words = _Words(random, CATEGORIES[category].split(), CATEGORIES[other].split())
    return Article(
        id=number,
        published=_FIRST_DAY + timedelta(days=random.randrange(_DAYS)),
        title=html.escape(words.phrase(5).capitalize()).replace("'", "&#8217;"),
        summary=words.sentence() if random.random() < 0.8 else "",
        body_html=_make_body(words, random),
        category=category,
    )


@dataclass(frozen=True, slots=True)
class _Words:
    """Draws words: mostly common ones, some of the article's own category, some of another."""

    random: Random
    own: list[str]
    borrowed: list[str]

    def word(self) -> str:
        draw = self.random.random()
        if draw < _OWN_WORDS:
            return self.random.choice(self.own)
        if draw < _OWN_WORDS + _BORROWED_WORDS:
            return self.random.choice(self.borrowed)
        return self.random.choice(_COMMON)

    def phrase(self, length: int) -> str:
        return " ".join(self.word() for _ in range(length))

    def sentence(self) -> str:
        return self.phrase(self.random.randint(6, 14)).capitalize() + "."


def _make_body(words: _Words, random: Random) -> str:
    parts = [f"<p>{_mark_up(words.sentence(), random)} {words.sentence()}</p>" for _ in range(3)]
    extras = [
        "<!-- teaser: <b>not</b> part of the text -->",
        f"<ul>\n  <li>{words.phrase(3)}</li>\n  <li>{words.phrase(2)} &mdash; {words.phrase(2)}</li>\n</ul>",
        f"<table><tr><th>{words.word()}</th><td>7&nbsp;&lt;&nbsp;9</td></tr></table>",
        f'<figure><img src="a.png" alt="a > b"><figcaption>{words.phrase(3)}</figcaption></figure>',
        "<script>if (a < b && c) { document.write('<p>noise</p>'); }</script>",
        f"<blockquote><div><p>{words.sentence()}<br>\r\n&#171; {words.phrase(4)} &#187;</p></div></blockquote>",
    ]
    for extra in random.sample(extras, random.randint(1, 3)):
        parts.insert(random.randint(0, len(parts)), extra)
    return "\n".join(parts)


def _mark_up(sentence: str, random: Random) -> str:
    words = sentence.split(" ")
    place = random.randrange(len(words))
    words[place] = f"<strong><em>{words[place]}</em></strong>"
    return " ".join(words).replace(" public ", " public &amp; ")

"""Replace secrets: `${secret:NAME}` in a param becomes the variable's value only just before the call.

Takes params and an environment. Returns params with the values, and a `Redactor` that removes the values from texts,
also in the forms in which libraries print them. The content of outputs is the user's responsibility.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final
from urllib.parse import quote as url_quote
from urllib.parse import quote_plus

from pipespec.document.nodes import JSON
from pipespec.document.wording import listing
from pipespec.step.failure import StepError

__all__ = ["Redactor", "fill", "redactor", "secret_names"]

_REFERENCE: Final = re.compile(r"\$\{secret:([A-Za-z_][A-Za-z0-9_]*)\}")
_SHORTEST_FORM: Final = 6  # characters; a shorter encoded form would be found in any text
_SHORTEST_LINE: Final = 8


class Redactor:
    """Replaces secrets in texts by their reference, `${secret:NAME}`.

    It finds a secret itself and its forms in JSON, in Python's `repr`, in HTML, in a URL, in hex and in base64. In
    base64 it also finds a secret inside a longer text that was encoded. For a secret of several lines, it finds each
    line.
    """

    def __init__(self, secrets: Mapping[str, str]) -> None:
        forms = {_bytes(form): name for name, value in secrets.items() for form in _forms(value)}
        longest_first = sorted(forms, key=len, reverse=True)
        self._names = forms
        self.names = tuple(sorted(secrets))
        """The names of the secrets whose values are replaced."""
        self._pattern = re.compile(b"|".join(map(re.escape, longest_first))) if forms else None
        self.reach = len(longest_first[0]) if forms else 0
        """The length in bytes of the longest form: what may be torn if a text is cut."""

    def __call__(self, text: str) -> str:
        """Return the text without secrets."""
        return self.clean(_bytes(text)).decode(errors="backslashreplace") if self._pattern else text

    def clean(self, content: bytes) -> bytes:
        """Return the bytes without secrets."""
        if self._pattern is None:
            return content
        return self._pattern.sub(lambda found: f"${{secret:{self._names[found[0]]}}}".encode(), content)

    def value(self, value: JSON) -> JSON:
        """Return the value with secrets removed from all its texts and keys."""
        match value:
            case str():
                return self(value)
            case list():
                return [self.value(item) for item in value]
            case dict():
                return {self(key): self.value(item) for key, item in value.items()}
            case _:
                return value


def secret_names(value: JSON) -> tuple[str, ...]:
    """Return the names of all secrets to which a value refers, sorted."""
    return tuple(sorted({name for text in _texts(value) for name in _REFERENCE.findall(text)}))


def fill(value: JSON, environment: Mapping[str, str]) -> JSON:
    """Return the value with every reference to a secret replaced by the value in the environment.

    Raises:
        StepError: naming the variables that are not set.
    """
    missing = [name for name in secret_names(value) if name not in environment]
    if missing:
        raise StepError("secret", f"not set in the environment of the step: {listing(missing)}")
    return _filled(value, environment)


def redactor(value: JSON, environment: Mapping[str, str], *, names: Iterable[str] = ()) -> Redactor:
    """Return a redactor of the values of all secrets to which `value` refers, and of those in `names`."""
    known = {*secret_names(value), *names}
    return Redactor({name: environment[name] for name in sorted(known) if environment.get(name)})


def _filled(value: JSON, environment: Mapping[str, str]) -> JSON:
    match value:
        case str():
            return _REFERENCE.sub(lambda found: environment[found[1]], value)
        case list():
            return [_filled(item, environment) for item in value]
        case dict():
            return {key: _filled(item, environment) for key, item in value.items()}
        case _:
            return value


def _texts(value: JSON) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from _texts(item)
        case dict():
            for item in value.values():
                yield from _texts(item)
        case _:
            return


def _forms(secret: str) -> Iterator[str]:
    yield secret
    yield from (line for line in secret.splitlines() if len(line) >= _SHORTEST_LINE)
    yield from (form for form in _encoded(secret) if len(form) >= _SHORTEST_FORM)


def _encoded(secret: str) -> Iterable[str]:
    import html  # noqa: PLC0415 - its table of entities takes 5 ms, and most pipelines have no secret

    content = _bytes(secret)
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    # In a text that also contains the other quote, `repr` escapes this quote.
    for spelt in (repr(secret + "'\"")[1:-4], ascii(secret + "'\"")[1:-4], repr(content + b"'\"")[2:-4]):
        yield spelt
        yield spelt.replace("\\'", "'")
    yield html.escape(secret)
    yield content.hex()
    for spelt in (url_quote(content), url_quote(content, safe=""), quote_plus(content)):
        yield spelt
        yield re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), spelt)
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for before in range(3):
            yield _base64_inside(encode(b"\0" * before + content).decode(), before, len(content))


def _base64_inside(text: str, before: int, length: int) -> str:
    """Return the characters that depend only on the secret if `before` bytes of something else come before it."""
    return text[-(-before * 8 // 6) : (before + length) * 8 // 6]


def _bytes(text: str) -> bytes:
    """Return a text as UTF-8. Bytes in the environment that are not UTF-8 are returned unchanged."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half of a surrogate pair that does not represent a byte
        return text.encode("utf-8", "surrogatepass")

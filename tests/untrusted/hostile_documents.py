"""Pipeline files of a stranger: whole documents, and names and texts to put into a sound one.

`REFUSED` are documents that no verb may take. `TEXTS` are texts that may stand in a pipeline and must stay text
wherever they are shown; `PLACES` say where.
"""

from __future__ import annotations

import json

__all__ = ["HEAD", "PLACES", "REFUSED", "TEXTS", "with_text"]

HEAD = "pipespec: 1\nname: stranger\n"
STEP = "steps:\n  one: {call: 'bomb:one', outputs: {one: one.json}}\n"
NINE = b",".join


def laughs(opening: bytes) -> bytes:
    """Return nine levels of nine aliases each."""
    lines = [opening]
    for level in range(9):
        aliases = NINE([b"*%c" % (97 + level)] * 9)
        lines.append(b"x-%c: &%c [%s]\n" % (98 + level, 98 + level, aliases))
    return b"".join(lines)


def tagged(tag: str, value: str) -> bytes:
    return f"{HEAD}x-a: {tag} {value}\n{STEP}".encode()


TAGS = {
    "!!python/object/apply:os.system": "['touch @CANARY@']",
    "!!python/object/new:subprocess.Popen": "[[touch, '@CANARY@']]",
    "!!python/object/new:type": '{args: [z, !!python/tuple [], {extend: !!python/name:exec}], listitems: \'open("@CANARY@", "w")\'}',
    "!!python/name:bomb.one": "''",
    "!!python/module:bomb": "''",
    "!!python/object:bomb.One": "{}",
    "!!python/str": "a",
    "!!binary": "aGVsbG8=",
    "!!set": "{a, b}",
    "!!omap": "[a: 1]",
    "!!timestamp": "xx",
    "!!int": "xx",
    "!!float": "xx",
    "!!bool": "perhaps",
    "!!map": "[1]",
    "!!seq": "{a: 1}",
    "!!merge": "a",
    "!!value": "=",
    "!ruby/object:Gem::Installer": "{i: x}",
    "!<tag:yaml.org,2002:python/object/apply:os.system>": "['touch @CANARY@']",
    "!include": "/etc/passwd",
    "!ENV": "STRANGER",
}

REFUSED: dict[str, bytes] = {
    **{f"tag {tag}": tagged(tag, value) for tag, value in TAGS.items()},
    "a tag directive": b"%TAG !p! tag:yaml.org,2002:python/\n---\n" + tagged("!p!object/apply:os.system", "['true']"),
    "nothing": b"",
    "a list": b"- 1\n",
    "a word": b"hello\n",
    "two documents": f"{HEAD}{STEP}---\n{HEAD}{STEP}".encode(),
    "NULs": b"\0" * 1000,
    "a NUL in a value": f'{HEAD}description: "a\0b"\n{STEP}'.encode(),
    "an escaped NUL in a name": f'{HEAD}{STEP}  "t\\0wo": {{call: "bomb:one"}}\n'.encode(),
    "not UTF-8": f"{HEAD}description: '".encode() + b"\xff\xfe'\n" + STEP.encode(),
    "overlong UTF-8": f"{HEAD}description: '".encode() + b"\xc0\xaf'\n" + STEP.encode(),
    "surrogates in UTF-8": f"{HEAD}description: '".encode() + b"\xed\xa0\x80'\n" + STEP.encode(),
    "UTF-32": f"{HEAD}{STEP}".encode("utf-32"),
    "half of UTF-16": f"{HEAD}{STEP}".encode("utf-16")[:-1],
    "5 MB": b"a: " + b"x" * 5_000_000,
    "5 MB of lines": b"a: 1\n" * 1_000_000,
    "one key over and over": b"a: 1\n" * 100_000,
    "3,000 brackets": f"{HEAD}x-a: {'[' * 3000}{']' * 3000}\n{STEP}".encode(),
    "100,000 brackets": b"[" * 100_000,
    "100,000 braces": b"{" * 100_000,
    "100,000 question marks": b"? " * 100_000,
    "100,000 dashes": b"- " * 100_000,
    "100,000 anchors": b"&a " * 100_000,
    "100,000 tags": b"!a " * 100_000,
    "100,000 quotes": b"'" * 100_001,
    "100,000 colons": b": " * 100_000,
    "2,000 indented levels": b"".join(b" " * level + b"a:\n" for level in range(2000)),
    "a billion laughs": laughs(b"x-a: &a [1,1,1,1,1,1,1,1,1]\n") + HEAD.encode() + STEP.encode(),
    "a mapping that holds itself": f"{HEAD}x-a: &a {{b: *a}}\n{STEP}".encode(),
    "a list that holds itself": f"{HEAD}x-a: &a [*a]\n{STEP}".encode(),
    "a merge of itself": f"{HEAD}x-a: &a\n  <<: *a\n{STEP}".encode(),
    "a quadratic bomb of merges": b"".join(b"x-%d: &x%d {<<: [%s]}\n" % (n, n, NINE([b"*x%d" % m for m in range(n)] or [b"{}"])) for n in range(300)),
    "an alias of nothing": f"{HEAD}x-a: *nothing\n{STEP}".encode(),
    "a number of 5,000 digits": f"{HEAD}x-a: {'9' * 5000}\n{STEP}".encode(),
    "a hexadecimal number of 100,000 digits": f"{HEAD}x-a: 0x{'f' * 100_000}\n{STEP}".encode(),
    "a key of 5,000 signs": f"{HEAD}{'k' * 5000}: 1\n{STEP}".encode(),
    "a key that is a mapping": f"{HEAD}? {{a: 1}}\n: 2\n{STEP}".encode(),
    "300,000 values": f"{HEAD}x-a: [{'1,' * 300_000}]\n{STEP}".encode(),
    "a matrix of a million variants": f"{HEAD}steps:\n  one:\n    call: bomb:one\n    matrix: {{a: {list(range(1000))}, b: {list(range(1000))}}}\n".encode(),
    "a reference to itself": f"{HEAD}params: {{a: '${{params.a}}'}}\n{STEP}".encode(),
    "references in a circle": f"{HEAD}params: {{a: '${{params.b}}', b: '${{params.a}}'}}\n{STEP}".encode(),
    "a reference that doubles 40 times": (HEAD + "params:\n  p0: " + "x" * 100 + "\n" + "".join(f"  p{n + 1}: '${{params.p{n}}}${{params.p{n}}}'\n" for n in range(40)) + STEP).encode(),
    "lists that double 40 times": (HEAD + "params:\n  p0: [1, 1]\n" + "".join(f"  p{n + 1}: ['${{params.p{n}}}', '${{params.p{n}}}']\n" for n in range(40)) + STEP).encode(),
    "100,000 openings of references": f"{HEAD}params: {{a: '{'${' * 100_000}'}}\n{STEP}".encode(),
    "a file outside of the project": f"{HEAD}params: {{a: '${{file:../outside/secret.csv}}'}}\n{STEP}".encode(),
    "a file by its whole path": f"{HEAD}params: {{a: '${{file:/etc/passwd}}'}}\n{STEP}".encode(),
    "a file of /proc": f"{HEAD}params: {{a: '${{file:/proc/self/environ}}'}}\n{STEP}".encode(),
    "a device as a file": f"{HEAD}params: {{a: '${{file:/dev/zero}}'}}\n{STEP}".encode(),
    "an unknown resolver": f"{HEAD}params: {{a: '${{bomb:one}}'}}\n{STEP}".encode(),
    "an include outside of the project": f"include: ../outside/part.yaml\n{HEAD}{STEP}".encode(),
    "an include by its whole path": f"include: /etc/passwd\n{HEAD}{STEP}".encode(),
    "an include of a device": f"include: /dev/zero\n{HEAD}{STEP}".encode(),
    "an include of itself": f"include: pipeline.yaml\n{HEAD}{STEP}".encode(),
    "an include of a NUL": f'include: "a\\0.yaml"\n{HEAD}{STEP}'.encode(),
    "an include of a pipe": f"include: pipe.yaml\n{HEAD}{STEP}".encode(),
    "a pipe as a file": f"{HEAD}params: {{a: '${{file:pipe.yaml}}'}}\n{STEP}".encode(),
    "an include of a URL": f"include: http://127.0.0.1:9/x.yaml\n{HEAD}{STEP}".encode(),
    "an output outside of the project": f"{HEAD}steps:\n  one: {{call: 'bomb:one', outputs: {{one: ../../one.json}}}}\n".encode(),
    "an output by its whole path": f"{HEAD}steps:\n  one: {{call: 'bomb:one', outputs: {{one: /tmp/one.json}}}}\n".encode(),
    "an output with %2e": f"{HEAD}steps:\n  one: {{call: 'bomb:one', outputs: {{one: '%2e%2e/one.json'}}}}\n".encode(),
    "an output with a backslash": f"{HEAD}steps:\n  one: {{call: 'bomb:one', outputs: {{one: '..\\one.json'}}}}\n".encode(),
    "a call of a path": f"{HEAD}steps:\n  one: {{call: '../outside/linked:three'}}\n".encode(),
    "a call of an expression": f"{HEAD}steps:\n  one: {{call: '__import__(\"os\").system(\"true\"):x'}}\n".encode(),
    "a step name that is HTML": f"{HEAD}steps:\n  '<script>': {{call: 'bomb:one'}}\n".encode(),
    "a step name with an escape sequence": f'{HEAD}steps:\n  "a\\e]0;x\\a": {{call: "bomb:one"}}\n'.encode(),
    "a step name with bidi controls": f'{HEAD}steps:\n  "a\\u202eb": {{call: "bomb:one"}}\n'.encode(),
    "a step name of a homoglyph": f"{HEAD}steps:\n  '\u043ene': {{call: 'bomb:one'}}\n".encode(),
}  # fmt: skip

TEXTS = {
    "a script": "<script>window.hit=1</script>",
    "an image": "<img src=x onerror=window.hit=1>",
    "the end of a script": "</script><script>window.hit=1</script>",
    "the end of a comment": "--><svg/onload=window.hit=1><!--",
    "the end of a style": "</style><style>*{background:url(http://127.0.0.1:9/)}</style>",
    "the end of an attribute": "\" onmouseover=\"window.hit=1\" x='",
    "CDATA": "]]><script>window.hit=1</script>",
    "an XML entity": '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>&a;',
    "a Markdown link": "[a](javascript:window.hit=1) ![b](http://127.0.0.1:9/b.png)",
    "Markdown": "`code` **bold** | cell |\n# heading\n<!-- -->",
    "a Mermaid click": '"]; click one href "javascript:window.hit=1"; x["',
    "a DOT label": '"]; a [URL="javascript:window.hit=1"]; x ["',
    "Jinja": "{{ ''.__class__.__mro__[1].__subclasses__() }}{% for a in b %}{{ config }}",
    "ERB and EL": "<%= `touch @CANARY@` %> ${7*7} #{7*7}",
    "Python": "'''\"\"\"\n__import__('os').system('touch @CANARY@')\n#",
    "a shell": "$(touch @CANARY@) `touch @CANARY@` ; touch @CANARY@",
    "an escape sequence": "\x1b]0;title\x07\x1b[2J\x1b[31mred\x1b]52;c;ZXZpbA==\x07\x9b31m",
    "a carriage return": "harmless\roverwritten\x08\x08",
    "bidi controls": "a\u202eb\u2066c\u2069\u200fd\u061c",
    "invisible signs": "a\u200bb\ufeffc\u00add\u2060",
    "line separators": "a\u2028b\u2029c\x85d\x0be\x0cf",
    "a formula": '=HYPERLINK("http://127.0.0.1:9/","x")',
    "a workflow command": "::error file=x::hello\n::set-output name=a::b",
    "a link of GitHub": "@everyone #1 GH-1 https://127.0.0.1:9/",
    "a format": "%s%n{0}{0.__class__} {x!r:>99999999}",
    "a backtracking text": "a" * 30_000 + "!",
    "spaces without end": " " * 30_000 + "x",
    "dots without end": "a." * 15_000,
    "a word without end": "\u4e2d" * 20_000,
}  # fmt: skip
"""Texts that may stand in a description, a param, a tag, a path of an input or a message."""

PLACES = ("description", "param", "param name", "default", "tag", "input", "of a step", "store", "extension")
"""Where a text is put by `with_text`."""


def with_text(text: str, place: str) -> str:
    """Return a pipeline in which a text stands at a place; `$` is doubled, since it would begin a reference."""
    quoted = json.dumps(text.replace("${", "$${"))
    head = {
        "description": f"description: {quoted}\n",
        "default": f"params: {{a: {quoted}}}\n",
        "store": f"mlflow: {{tags: {{a: {quoted}}}}}\n",
        "extension": f"x-note: {{{quoted}: {quoted}}}\n",
    }.get(place, "")
    step = {
        "param": f"params: {{text: {quoted}}}",
        "param name": f"params: {{text: {{{quoted}: 1}}}}",
        "input": f"inputs: {{text: {{file: {quoted}}}}}",
        "of a step": f"params: {{text: a}}, description: {quoted}",
        "tag": f"params: {{text: a}}, tags: [{quoted}]",
    }.get(place, "params: {text: a}")
    return f"{HEAD}{head}steps:\n  one: {{call: 'bomb:one', {step}, outputs: {{one: one.json}}}}\n"

"""What the syntax trees say about the code that a callable reaches: frozen values, created by `counted_code`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from pipespec.frozen_values import frozen

__all__ = ["CodeFacts", "CodePiece"]


@frozen
class CodePiece:
    """A piece of counted code as it is written: statements of one module, in the order of the text.

    `file` is the module's absolute path, `line` where the first of them begins, counted from 1.
    """

    text: str
    file: str
    line: int


@frozen
class CodeFacts:
    """What the syntax trees say about the code of one callable.

    `digest` covers the function and all code of the project that it reaches. `counted` lists this code, sorted, each piece
    with the digest of its own canonical tree: `news.articles:fetch_ids`, `news.articles:fetch_ids annotations`
    (only of the callable itself), `news.text:clean`, `news.text:<import>` (what runs when the module is imported
    and belongs to no name), or a whole module `news.vocabulary`. `files` are the absolute paths of the project's
    modules that are imported with it; `imports` are the installed modules that those import at their top (what a
    worker may load beforehand). `package` is the distribution and version when the callable lives in an
    installed package. `notes` says what could not be read, and which modules count as a whole; `widened` only the
    latter, where the source could be read. `pieces` is the text of what is `counted`, by the same names; annotations
    have none of their own, since they stand in the text of their function. `import_lines` are the statements that
    import what is counted, by what they bind.
    """

    digest: str
    counted: Mapping[str, str]
    files: tuple[str, ...]
    imports: tuple[str, ...] = ()
    package: tuple[str, str] | None = None
    notes: tuple[str, ...] = ()
    widened: tuple[str, ...] = ()
    pieces: Mapping[str, CodePiece] = field(default_factory=dict)
    import_lines: Mapping[str, CodePiece] = field(default_factory=dict)

"""Why a callable cannot be read: the same kinds for its source and for its import by a step."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["ProblemKind"]


class ProblemKind(StrEnum):
    """Why a callable cannot be read. NOT_READABLE alone is not a mistake: it turns out when the step runs."""

    MODULE_NOT_FOUND = "module-not-found"
    FUNCTION_NOT_FOUND = "function-not-found"
    NOT_CALLABLE = "not-callable"
    SYNTAX_ERROR = "syntax-error"
    REFUSED = "refused"
    NOT_READABLE = "not-readable"
    IMPORT_FAILED = "import-failed"
    FILE_NOT_FOUND = "missing-file"
    FILE_NOT_READ = "unreadable-file"

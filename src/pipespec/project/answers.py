"""What references ask a project for: `${git:…}`, `${pyproject:…}` and `${file:…}`, answered from its disk.

Git is asked only for a trusted pipeline. No file outside of the project root is read, whatever links say. What few
documents ask for is imported when it is asked for.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pipespec.document.resolvers import Problem, Resolvers
from pipespec.document.yaml_reader import MAX_BYTES
from pipespec.errors import Span
from pipespec.project.resolvers import InstalledResolvers
from pipespec.project.tree import DiskTree, Tree

if TYPE_CHECKING:
    from pipespec.project.git import GitFacts

__all__ = ["ProjectAnswers"]

_SCALARS: Final = (str, int, float, bool)


class ProjectAnswers:
    """The answers of one project; `folders` maps each `Span.file` to the folder that its paths start from.

    `tree` is where files are read from.
    """

    def __init__(self, root: Path, folders: Mapping[str, Path], tree: Tree | None = None) -> None:
        self._tree: Tree = tree or DiskTree()
        self._root = root
        self._folders = folders

    def resolvers(self, name: str, *, trusted: bool, keeps_env: bool = False) -> Resolvers:
        """Return what a document may ask; `name` is the pipeline's where it sets none."""
        return Resolvers(
            name=name,
            env=os.environ if trusted else None,
            keeps_env=keeps_env,
            git=self._of_git if trusted else None,
            pyproject=self._of_pyproject,
            file=self._of_file,
            others=InstalledResolvers(trusted=trusted),
        )

    def _of_git(self, what: str, _span: Span) -> str | Problem:
        facts = self._git
        if facts is None:
            return Problem("git knows no commit here", "use it inside of a git repository that has a commit")
        match what:
            case "commit":
                return facts.commit
            case "branch":
                return facts.branch or Problem(
                    "git is on no branch here (detached head)", "check a branch out"
                )
            case _:
                return Problem(f"git is not asked for '{what}'", "there are ${git:commit} and ${git:branch}")

    def _of_pyproject(self, path: str, _span: Span) -> str | Problem:
        value: Any = self._pyproject
        if isinstance(value, Problem):
            return value
        for key in path.split("."):
            if isinstance(value, dict) and key in value.get("dynamic", ()):
                return Problem(
                    f"'{key}' is dynamic in pyproject.toml: it stands elsewhere",
                    "state it there, or write the value here",
                )
            if not isinstance(value, dict) or key not in value:
                return Problem(
                    f"pyproject.toml has no '{path}'", "keys are parted by dots, as in project.version"
                )
            value = value[key]
        if not isinstance(value, _SCALARS):
            return Problem(f"'{path}' in pyproject.toml is no text or number", "name a key below it")
        return (
            value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
        )

    def _of_file(self, written: str, span: Span) -> str | Problem:
        path = Path(os.path.normpath(self._folders.get(span.file, self._root) / written))
        root = self._tree.real(self._root)
        if not Path(self._tree.real(path)).is_relative_to(root):
            return Problem(
                f"'{written}' is outside of the project", "a text must be in a file of the project"
            )
        try:
            content = self._tree.read(path, MAX_BYTES + 1)
            if len(content) > MAX_BYTES:
                return Problem(f"'{written}' is larger than 4 MiB", "hand large files over as inputs")
            return content.decode("utf-8")
        except UnicodeDecodeError:
            return Problem(f"'{written}' is no UTF-8 text", "hand other files over as inputs")
        except OSError as error:
            reason = (error.strerror or "unknown").lower()
            return Problem(
                f"'{written}' cannot be read: {reason}",
                "paths start at the folder of the file that states them",
            )

    @cached_property
    def _git(self) -> GitFacts | None:
        from pipespec.project.git import git_facts  # noqa: PLC0415 - subprocess, 3 ms

        return git_facts(self._root)

    @cached_property
    def _pyproject(self) -> dict[str, Any] | Problem:
        import tomllib  # noqa: PLC0415 - 2 ms

        try:
            content = self._tree.read(self._root / "pyproject.toml", MAX_BYTES)
            return tomllib.loads(content.decode("utf-8"))
        except FileNotFoundError:
            return Problem("the project has no pyproject.toml", "it is looked for in the project root")
        except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
            return Problem(f"pyproject.toml cannot be read: {error}")

"""The resolvers of a project: `${git:…}`, `${pyproject:…}` and `${file:…}`, which read its disk.

Git is called only for a trusted pipeline. No file outside of the project root is read, whatever links say. Modules that
few documents need are imported only when they are needed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pipespec.document.interpolation.resolver_interface import Problem, Resolvers
from pipespec.document.size_limits import MAX_BYTES
from pipespec.errors import Span
from pipespec.project.environment_variables import variable
from pipespec.project.package_resolvers import InstalledResolvers
from pipespec.project.source_tree import DiskTree, Tree

if TYPE_CHECKING:
    from pipespec.project.git_state import GitFacts

__all__ = ["ProjectAnswers"]

_SCALARS: Final = (str, int, float, bool)


class ProjectAnswers:
    """The resolvers of one project. `folders` maps each `Span.file` to the folder from which its paths start.

    `tree` is where files are read from.
    """

    def __init__(self, root: Path, folders: Mapping[str, Path], tree: Tree | None = None) -> None:
        self._tree: Tree = tree or DiskTree()
        self._root = root
        self._folders = folders
        self._env = _WatchedEnvironment()
        self._others: InstalledResolvers | None = None

    def resolvers(
        self, name: str, *, trusted: bool, keeps_env: bool = False, keeps_unset: bool | None = None
    ) -> Resolvers:
        """Return the resolvers that a document may use. `name` is the pipeline's name if it sets none.

        `???` is an open value for a document that is not trusted and not rendered, because nothing of it runs.
        """
        return Resolvers(
            name=name,
            env=self._env if trusted else None,
            keeps_env=keeps_env,
            keeps_unset=not (trusted or keeps_env) if keeps_unset is None else keeps_unset,
            git=self._of_git if trusted else None,
            pyproject=self._of_pyproject,
            file=self._of_file,
            others=self._made_others(trusted=trusted),
        )

    def environment(self) -> dict[str, str | None] | None:
        """Return the variables that were read; None if git or other packages were also used."""
        asked_others = self._others is not None and self._others.were_asked
        return None if asked_others or "_git" in self.__dict__ else dict(self._env.asked)

    def _made_others(self, *, trusted: bool) -> InstalledResolvers:
        self._others = InstalledResolvers(trusted=trusted)
        return self._others

    def is_current(self) -> bool:
        """Return whether environment and git would return the same. Files are checked by `tree`."""
        asked_git = "_git" in self.__dict__
        return self._env.is_current() and (not asked_git or self._git == _git_facts(self._root))

    def _of_git(self, what: str, _span: Span) -> str | Problem:
        facts = self._git
        if facts is None:
            return Problem(
                "there is no git commit here", "use it inside a git repository with at least one commit"
            )
        match what:
            case "commit":
                return facts.commit
            case "branch":
                return facts.branch or Problem(
                    "git is on no branch here (detached head)", "check out a branch"
                )
            case _:
                return Problem(f"there is no git value '{what}'", "use ${git:commit} or ${git:branch}")

    def _of_pyproject(self, path: str, _span: Span) -> str | Problem:
        value: Any = self._pyproject
        if isinstance(value, Problem):
            return value
        for key in path.split("."):
            if isinstance(value, dict) and key in value.get("dynamic", ()):
                return Problem(
                    f"'{key}' is dynamic in pyproject.toml, so it has no value there",
                    "set it in pyproject.toml, or write the value here",
                )
            if not isinstance(value, dict) or key not in value:
                return Problem(
                    f"pyproject.toml has no '{path}'", "separate keys by dots, for example project.version"
                )
            value = value[key]
        if not isinstance(value, _SCALARS):
            return Problem(f"'{path}' in pyproject.toml is not text or a number", "choose a key inside it")
        return (
            value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
        )

    def _of_file(self, written: str, span: Span) -> str | Problem:
        path = Path(os.path.normpath(self._folders.get(span.file, self._root) / written))
        root = self._tree.real(self._root)
        if not Path(self._tree.real(path)).is_relative_to(root):
            return Problem(f"'{written}' is outside of the project", "the file must be inside the project")
        try:
            content = self._tree.read(path, MAX_BYTES + 1)
            if len(content) > MAX_BYTES:
                return Problem(f"'{written}' is larger than 4 MiB", "use large files as inputs")
            return content.decode("utf-8")
        except UnicodeDecodeError:
            return Problem(f"'{written}' is not UTF-8 text", "use other files as inputs")
        except OSError as error:
            reason = (error.strerror or "unknown").lower()
            return Problem(
                f"'{written}' cannot be read: {reason}",
                "paths are relative to the folder of the file that contains them",
            )

    @cached_property
    def _git(self) -> GitFacts | None:
        return _git_facts(self._root)

    @cached_property
    def _pyproject(self) -> dict[str, Any] | Problem:
        from pipespec.document.toml_text import read_toml  # noqa: PLC0415 - few projects are asked for it

        try:
            content = self._tree.read(self._root / "pyproject.toml", MAX_BYTES)
            return read_toml(content)
        except FileNotFoundError:
            return Problem("the project has no pyproject.toml", "it must be in the project root")
        except (OSError, ValueError) as error:
            return Problem(f"pyproject.toml cannot be read: {error}")


class _WatchedEnvironment(Mapping[str, str]):
    """The environment. It records which variables were read."""

    def __init__(self) -> None:
        self.asked: dict[str, str | None] = {}

    def __getitem__(self, name: str) -> str:
        value = self.asked[name] = variable(name)
        if value is None:
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(os.environ)

    def __len__(self) -> int:
        return len(os.environ)

    def is_current(self) -> bool:
        """Return whether the variables that were read are unchanged."""
        return all(variable(name) == value for name, value in self.asked.items())


def _git_facts(root: Path) -> GitFacts | None:
    from pipespec.project.git_state import git_facts  # noqa: PLC0415 - subprocess, 3 ms

    return git_facts(root)

"""What is needed to observe one execution: which code its key counts, what belongs to the project, and what is not data."""

from __future__ import annotations

from pipespec.frozen_values import frozen

__all__ = ["WitnessJob"]


@frozen
class WitnessJob:
    """All paths are absolute.

    `modules` is false where the step's code does not count at all (`identity.code: none`).
    """

    root: str
    """The project root; paths below it are recorded relative to it."""
    folders: tuple[str, ...] = ()
    """Where the project's modules are, the pipeline's folder among them."""
    covered: tuple[str, ...] = ()
    """Files and folders (these end with a slash) whose content the key covers already: declared inputs."""
    not_data: tuple[str, ...] = ()
    """Files and folders that are pipespec's own or the tracking store's."""
    counted_files: tuple[str, ...] = ()
    """The modules that are imported with the code that the key counts."""
    counted_names: tuple[str, ...] = ()
    """What of them counts: `news.text:clean`, or a whole module, `news.vocabulary`."""
    untracked: tuple[str, ...] = ()
    """Patterns of files that do not count."""
    modules: bool = True

"""Convert the description of a Kedro project to a pipeline file that calls the same functions.

Takes the JSON that `read_project` writes, and the files of the project. Returns a `Conversion`. A node whose function
has no name that can be imported, and a dataset with a type for which there is no format, become leftovers.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pipespec.converting.conversion import Conversion, SourceFiles, SourceFindings
from pipespec.converting.dvc.parameters import reference
from pipespec.converting.kedro.datasets import FORMATS, local_path, suffix_of_type
from pipespec.converting.names import step_name, unused
from pipespec.converting.pipeline_text import StepText, pipeline_text
from pipespec.document.nodes import JSON, plain
from pipespec.document.wording import quote
from pipespec.document.yaml import yaml_reader
from pipespec.errors import InvalidPipelineError, Span

__all__ = ["convert_kedro"]

_PARAMS: Final = "params:"
_ALL: Final = "parameters"
_ARGUMENT: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TAG: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_FILES: Final = ("conf/base/parameters.yml", "conf/base/parameters.yaml")


def convert_kedro(
    said: Mapping[str, Any],
    *,
    name: str,
    files: SourceFiles,
    catalogs: Mapping[str, str],
    params_files: Mapping[str, str],
) -> Conversion:
    """Convert the description of a project.

    Args:
        said: What `read_project` wrote.
        name: The name of the pipeline.
        files: The files of the project.
        catalogs: The text of each file of the catalog, to find where a dataset is configured.
        params_files: The text of each file of parameters of the base environment.

    Raises:
        InvalidPipelineError: if no node can be converted.
    """
    found = SourceFindings(sources=dict(catalogs))
    project = _Project(said, files, found, catalogs)
    steps = [step for node in said["nodes"] if (step := project.step(node)) is not None]
    if not steps:
        place = Span("pyproject.toml", 1, 1, 1, 1)
        found.refuse("the pipeline has no node that can be converted", place)
    found.stop_at_mistakes()
    top: dict[str, JSON] = {"pipespec": 1, "name": name}
    kept = _kept(params_files, said["parameters"])
    used: dict[str, JSON] = {
        key: said["parameters"][key] for key in sorted(project.used) if key in said["parameters"]
    }
    if kept and used:
        include: list[JSON] = [{"params": path} for path in kept]
        top["include"] = include
    elif used:
        top["params"] = used
    comment = "Converted from a Kedro project by 'pipespec convert'."
    leftovers = tuple(sorted(found.leftovers, key=lambda one: one.span))
    return Conversion(pipeline_text(comment, top, steps), leftovers, found.sources)


def _kept(params_files: Mapping[str, str], parameters: Mapping[str, Any]) -> list[str]:
    """Return the files of parameters, if including them results in exactly the values that Kedro has; otherwise nothing."""
    values: dict[str, Any] = {}
    kept = []
    for path, text in params_files.items():
        try:
            found = plain(yaml_reader.read(text, file=path, layer="include"))
        except InvalidPipelineError:
            return []
        assert isinstance(found, dict)
        if found:
            kept.append(path)
            values.update(found)
    return kept if values == parameters and not any("${" in text for text in params_files.values()) else []


@dataclass(slots=True)
class _Project:
    """The steps so far, and which step produces which dataset."""

    said: Mapping[str, Any]
    files: SourceFiles
    found: SourceFindings
    catalogs: Mapping[str, str]
    used: set[str] = field(default_factory=set)
    _names: dict[int, str] = field(default_factory=dict)
    _made: dict[str, tuple[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        taken: set[str] = set()
        for number, node in enumerate(self.said["nodes"]):
            wanted = node["name"] or (node["qualname"] or "step").rpartition(".")[2]
            self._names[number] = unused(step_name(wanted.removesuffix("_node")), taken)
            taken.add(self._names[number])
            for output, dataset in _outputs(node):
                self._made[dataset] = (self._names[number], output)

    def step(self, node: Mapping[str, Any]) -> StepText | None:
        """Write one node."""
        name = self._names[self.said["nodes"].index(node)]
        if (why := _not_importable(node)) is not None:
            self._leave_node(node, why)
            return None
        keys: dict[str, JSON] = {"call": f"{node['module']}:{node['qualname']}"}
        inputs: dict[str, JSON] = {}
        params: dict[str, JSON] = {}
        for argument, dataset in node["inputs"]:
            if not isinstance(dataset, str):
                self._leave_node(node, f"its argument {quote(argument)} collects several datasets")
                return None
            if dataset == _ALL:
                params[argument] = {key: self._param((key,)) for key in self.said["parameters"]}
            elif dataset.startswith(_PARAMS):
                params[argument] = self._param(tuple(dataset.removeprefix(_PARAMS).split(".")))
            else:
                inputs[argument] = self._input(dataset)
        outputs = {output: self._output(dataset) for output, dataset in _outputs(node)}
        parts = {"inputs": inputs, "params": params, "outputs": outputs}
        keys |= {key: value for key, value in parts.items() if value}
        metrics = [
            output for output, dataset in _outputs(node) if self._type(dataset).endswith("MetricsDataset")
        ]
        if metrics:
            keys["metrics"] = metrics[0]
        tags: list[JSON] = [tag for tag in node["tags"] if _TAG.fullmatch(tag)]
        if tags:
            keys["tags"] = tags
        return StepText(name, keys)

    def _param(self, path: tuple[str, ...]) -> str:
        self.used.add(path[0])
        return reference(path)

    def _input(self, dataset: str) -> JSON:
        config = self._config(dataset)
        load = {**config.get("load_args", {})} if config is not None else {}
        made = self._made.get(dataset)
        if made is not None:
            return {"from": ".".join(made), "load": load} if load else ".".join(made)
        path = None if config is None else local_path(config)
        if path is None:
            self._leave_dataset(
                dataset, f"the dataset {quote(dataset)} is no file", "make it an output of a step, or a file"
            )
            return {"file": f"{_argument(dataset)}.csv"}
        self._leave_options(dataset)
        if self.files.is_folder(path):
            return {"dir": path}
        return {"file": path, "load": load} if load else {"file": path}

    def _output(self, dataset: str) -> JSON:
        config = self._config(dataset)
        if config is None:
            return f"{_argument(dataset)}.pkl"
        suffix = suffix_of_type(self._type(dataset), local_path(config) or "")
        if suffix is None:
            message = f"the dataset {quote(dataset)} of type {quote(self._type(dataset))} is saved as .pkl"
            self._leave_dataset(
                dataset,
                message,
                "give it a suffix of docs/formats.md, or a saver: {file: …, save: module:function}",
            )
        self._leave_options(dataset)
        file = f"{_argument(dataset)}{suffix or '.pkl'}"
        save = config.get("save_args")
        return {"file": file, "save": save} if save and suffix in FORMATS else file

    def _config(self, dataset: str) -> Mapping[str, Any] | None:
        config = self.said["datasets"].get(dataset)
        return (
            config
            if isinstance(config, Mapping) and not str(config.get("type")).endswith("MemoryDataset")
            else None
        )

    def _type(self, dataset: str) -> str:
        return str((self._config(dataset) or {}).get("type", ""))

    def _leave_options(self, dataset: str) -> None:
        config = self._config(dataset) or {}
        for key, hint in _OPTIONS.items():
            if config.get(key):
                self._leave_dataset(dataset, f"{quote(key)} of the dataset {quote(dataset)}", hint)

    def _leave_dataset(self, dataset: str, message: str, hint: str) -> None:
        pattern = re.compile(rf"^[\"']?{re.escape(dataset)}[\"']?:", re.MULTILINE)
        for file, text in self.catalogs.items():
            if (found := pattern.search(text)) is not None:
                line = text.count("\n", 0, found.start()) + 1
                self.found.leave(message, Span(file, line, 1, line, 1 + len(found[0]) - 1), hint)
                return
        self.found.leave(message, Span("conf/base/catalog.yml", 1, 1, 1, 1), hint)

    def _leave_node(self, node: Mapping[str, Any], why: str) -> None:
        file, line = node.get("file") or "pyproject.toml", node.get("line") or 1
        title = node["name"] or node["qualname"] or "without a name"
        hint = "write a function with a name in a module, and a step that calls it"
        self.found.leave(f"the node {quote(title)}: {why}", Span(file, line, 1, line, 1), hint)


_OPTIONS: Final = {
    "credentials": "give the credentials to fsspec by the environment, or to a loader: load: module:function",
    "fs_args": "give them to a loader or a saver: load: module:function",
    "metadata": "write it below a key that begins with 'x-', which is ignored",
}


def _argument(dataset: str) -> str:
    name = re.sub(r"[^A-Za-z0-9_]+", "_", dataset.partition("@")[0]).strip("_")
    return name if _ARGUMENT.fullmatch(name) else f"_{name}"


def _outputs(node: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the outputs of a node: the name here, and the dataset."""
    match node["outputs"]:
        case str() as dataset:
            pairs = [(_argument(dataset), dataset)]
        case list() as datasets:
            pairs = [(_argument(dataset), dataset) for dataset in datasets]
        case dict() as by_key:
            pairs = [*by_key.items()]
        case _:
            pairs = []
    taken = set(node["arguments"])
    for name, dataset in pairs:
        # an output with the name of an argument would be a path to which the function writes
        yield (unused(f"{name}_out", taken) if name in taken else name), dataset


def _not_importable(node: Mapping[str, Any]) -> str | None:
    """Say why a node's function cannot be called by its name, or return None."""
    qualname = node["qualname"]
    if node["kind"] == "partial" or qualname is None:
        return f"its function is a {node['kind']}, which has no name"
    if "<lambda>" in qualname:
        return "its function is a lambda, which has no name"
    if "<locals>" in qualname:
        return f"its function {quote(qualname)} is made by another one"
    if node["inputs"] is None:
        return f"the arguments of {quote(qualname)} cannot be read"
    if isinstance(node["outputs"], list) and len(node["outputs"]) == 1:
        return "its function returns a list with one value; let it return the value"
    if isinstance(node["outputs"], dict) and any(key in node["arguments"] for key in node["outputs"]):
        return "a key of its outputs is the name of an argument"
    if posixpath.isabs(str(node.get("file", ""))):
        return "its function is outside of the project"
    return None

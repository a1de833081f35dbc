"""The values that templates and stages of DVC name: files of parameters, and `vars`.

Takes files and nodes. Returns where each value is in a pipeline file. A file remains where it is and is included, if
the rules of pipeline files allow it. For any other file, the values are copied.
"""

from __future__ import annotations

import ast
import datetime as dt
import json
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pipespec.converting.conversion import SourceFiles, SourceFindings
from pipespec.converting.names import argument_name, unused
from pipespec.document.key_paths import join_path
from pipespec.document.nodes import JSON, MappingNode, Node, ScalarNode, SequenceNode, plain
from pipespec.document.toml_text import read_toml
from pipespec.document.wording import quote
from pipespec.document.yaml import yaml_reader
from pipespec.errors import InvalidPipelineError
from pipespec.frozen_values import frozen

__all__ = ["DEFAULT_FILE", "Parameters", "ParamsFile", "merged", "params_name", "reference"]

DEFAULT_FILE: Final = "params.yaml"
_YAML: Final = (".yaml", ".yml", ".json")


@frozen
class ParamsFile:
    """The content of a file of parameters. `is_kept` says that a pipeline file can include it unchanged."""

    path: str
    values: Mapping[str, JSON]
    is_kept: bool


@dataclass(slots=True)
class Parameters:
    """The content of `params` of the pipeline file, and where each file's values are in it."""

    files: SourceFiles
    found: SourceFindings
    values: dict[str, JSON] = field(default_factory=dict)
    """The values that templates can use."""
    own: dict[str, JSON] = field(default_factory=dict)
    """The values that are written into the pipeline file itself."""
    included: dict[str, str] = field(default_factory=dict)
    """The key of each file that is included."""
    _bases: dict[str, tuple[str, ...] | None] = field(default_factory=dict)
    _read: dict[str, ParamsFile | None] = field(default_factory=dict)

    def load(self, node: Node | None) -> None:
        """Add the default file, and the files that `vars` at the top level names."""
        if (default := self.file(DEFAULT_FILE)) is not None:
            self._take(default, None)
        for item in _items(node):
            self._load_item(item)

    def local(self, node: Node | None, folder: str) -> Mapping[str, JSON]:
        """Return what `vars` of a stage adds. These values are written where they are used."""
        values: dict[str, JSON] = {}
        for item in _items(node):
            if isinstance(item, MappingNode):
                _merge(values, plain(item))
            elif (file := self._named(item, folder)) is not None:
                read, keys = file
                _merge(values, _part(read.values, keys))
        return values

    def file(self, path: str) -> ParamsFile | None:
        """Return the content of a file, or None if it does not exist or cannot be read. The latter is recorded."""
        if path not in self._read:
            self._read[path] = self._parse(path)
        return self._read[path]

    def base(self, file: ParamsFile) -> tuple[str, ...]:
        """Return where the values of a file are in `params`. Add them if they are not there yet."""
        base = self._bases.get(file.path)
        if base is None:
            name = unused(params_name(file.path), {*self.values, *self.own})
            base = self._bases[file.path] = (name,)
            if file.is_kept:
                self.included[file.path] = f"params.{name}"
                self.values[name] = dict(file.values)
            else:
                self.own[name] = dict(file.values)
        return base

    def hoist(self, name: str, value: JSON) -> str:
        """Add a value to `params` and return its name there."""
        if name in self.own and self.own[name] == value:
            return name
        name = unused(name, {*self.values, *self.own})
        self.own[name] = value
        return name

    def _load_item(self, item: Node) -> None:
        if isinstance(item, MappingNode):
            values = plain(item)
            _merge(self.values, values)
            _merge(self.own, values)
        elif (named := self._named(item, "")) is not None:
            self._take(*named)

    def _take(self, file: ParamsFile, keys: list[str] | None) -> None:
        values = _part(file.values, keys)
        _merge(self.values, values)
        if file.is_kept and keys is None:
            self.included.setdefault(file.path, "params")
            self._bases.setdefault(file.path, ())
        else:
            _merge(self.own, values)
            if keys is None:
                self._bases.setdefault(file.path, ())

    def _named(self, item: Node, folder: str) -> tuple[ParamsFile, list[str] | None] | None:
        if not isinstance(item, ScalarNode) or not isinstance(item.value, str):
            self.found.refuse("an item of 'vars' is a file or a mapping", item.span)
            return None
        path, _, keys = item.value.partition(":")
        file = self.file(posixpath.normpath(posixpath.join(folder, path)))
        if file is None:
            self.found.refuse(
                f"{quote(path)}, which 'vars' names, is no file of the project that can be read", item.span
            )
            return None
        return file, [key.strip() for key in keys.split(",")] if keys else None

    def _parse(self, path: str) -> ParamsFile | None:
        content = self.files.content(path)
        if content is None:
            return None
        suffix = posixpath.splitext(path)[1].lower()
        if suffix in _YAML:
            return _parse_yaml(path, content)
        try:
            values = (
                _parse_toml(content)
                if suffix == ".toml"
                else _parse_python(content)
                if suffix == ".py"
                else None
            )
        except (ValueError, SyntaxError, RecursionError):
            values = None
        return None if values is None else ParamsFile(path, values, is_kept=False)


def params_name(path: str) -> str:
    """Return the name of the params of a file: that of the file or, if it is too general, of its folder."""
    name = argument_name(path)
    folder = posixpath.dirname(path)
    return name if name != "params" else argument_name(folder) if folder else "values"


def _parse_yaml(path: str, content: bytes) -> ParamsFile | None:
    try:
        values = plain(yaml_reader.read(content, file=path, layer="include"))
    except InvalidPipelineError:
        loose = _parse_loosely(content)
        return None if loose is None else ParamsFile(path, loose, is_kept=False)
    assert isinstance(values, dict)
    text = json.dumps(values)
    return ParamsFile(path, values, is_kept="${" not in text and '"???"' not in text)


def _parse_loosely(content: bytes) -> dict[str, JSON] | None:
    """Parse YAML with features that pipeline files do not allow, for example merge keys."""
    from ruamel.yaml import YAML  # noqa: PLC0415 - few files need it

    try:
        value = _as_json(YAML(typ="safe", pure=True).load(content))
    except Exception:  # noqa: BLE001 - whatever ruamel.yaml raises for invalid YAML
        return None
    return value if isinstance(value, dict) else None


def _parse_toml(content: bytes) -> dict[str, JSON] | None:
    value = _as_json(read_toml(content))
    return value if isinstance(value, dict) else None


def _parse_python(content: bytes) -> dict[str, JSON] | None:
    """Return the literals that a Python file assigns to names."""
    values: dict[str, JSON] = {}
    for statement in ast.parse(content).body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                try:
                    values[name] = _as_json(ast.literal_eval(value))
                except ValueError:
                    continue
    return values


def _as_json(value: Any) -> JSON:
    match value:
        case None | bool() | int() | float() | str():
            return value
        case dict():
            return {str(key): _as_json(item) for key, item in value.items()}
        case list() | tuple() | set():
            return [_as_json(item) for item in value]
        case dt.date() | dt.time():
            return value.isoformat()
        case _:
            return str(value)


def merged(below: Mapping[str, JSON], above: Mapping[str, JSON]) -> dict[str, JSON]:
    """Merge values over others, mappings key by key."""
    result = dict(below)
    _merge(result, above)
    return result


def _merge(into: dict[str, JSON], values: object) -> None:
    assert isinstance(values, Mapping)
    for key, value in values.items():
        below = into.get(key)
        into[key] = merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value


def _part(values: Mapping[str, JSON], keys: list[str] | None) -> dict[str, JSON]:
    return {key: value for key, value in values.items() if keys is None or key in keys}


def _items(node: Node | None) -> tuple[Node, ...]:
    return node.items if isinstance(node, SequenceNode) else ()


def reference(path: tuple[str, ...]) -> str:
    """Return a reference to a value of `params`. A key may be a reference itself."""
    parts = [part if part.startswith("${") else join_path((part,)) for part in path]
    return f"${{{'.'.join(('params', *parts)).replace('.[', '[')}}}"

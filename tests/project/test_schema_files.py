"""Which files a schema consists of, and which it may not."""

import json

import pytest

from pipespec.errors import Span
from pipespec.project.disk_modules import DiskModules
from pipespec.project.schema_files import read_schemas
from pipespec.spec.contracts.data_schema import DataSchema, SchemaFile


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "project"
    root.mkdir()
    return root


def read(root, name="main.json", **files):
    for stem, said in files.items():
        path = root / f"{stem.replace('__', '/')}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(said))
    path = str(root / name)
    modules = DiskModules(root)
    found = read_schemas([SchemaFile(path, name, Span("p", 1, 1, 1, 1))], root, modules)[path]
    return found, {key.removeprefix(f"{root}/") for key in modules.contents()}


def ref(to):
    return {"$ref": to}


def test_files_that_refer_to_each_other_are_read_once(root):
    found, touched = read(
        root,
        main={"items": ref("parts/a%20b.json#/x"), "not": ref("#/items")},
        **{"parts__a b": {"x": ref("../main.json")}},
    )

    assert isinstance(found, DataSchema)
    assert [uri for uri, _ in found.documents] == ["file:///main.json", "file:///parts/a%20b.json"]
    assert touched == {"main.json", "parts/a b.json"}


@pytest.mark.parametrize(
    "main",
    [
        {"$id": "https://example.com/main.json", "items": ref("https://example.com/main.json#/x"), "x": True},
        {"items": ref("https://example.com/part"), "$defs": {"p": {"$id": "https://example.com/part"}}},
        {"$id": "https://example.com/", "items": ref("part"), "$defs": {"p": {"$id": "part"}}},
        {"items": ref("https://json-schema.org/draft/2020-12/schema")},
        {"items": ref("http://json-schema.org/draft-07/schema#")},
        {"enum": [ref("https://example.com/x")], "const": ref("gone.json"), "default": ref("gone.json")},
        {"properties": {"$ref": {"type": "string"}}},
    ],
)
def test_what_has_a_name_in_the_file_or_is_a_draft_needs_no_other_file(root, main):
    found, touched = read(root, main=main)

    assert isinstance(found, DataSchema)
    assert touched == {"main.json"}


@pytest.mark.parametrize(
    "written", ["https://example.com/x.json", "file:///etc/hostname", "//example.com/x.json", "urn:x:y"]
)
def test_what_would_have_to_be_fetched_is_refused(root, written):
    found, touched = read(root, main={"items": ref(written)})

    assert str(found) == f"'$ref' is '{written}', which is not in the project, and nothing is fetched"
    assert touched == {"main.json"}


@pytest.mark.parametrize("written", ["../outside.json", "link.json", "/etc/outside.json"])
def test_no_way_leads_out_of_the_project(root, written):
    (root.parent / "outside.json").write_text("{}")
    (root / "link.json").symlink_to("../outside.json")

    found, touched = read(root, main=ref(written))

    assert "it is outside of the project" in str(found)
    assert touched == {"main.json"}


def test_a_schema_may_not_itself_be_a_link_out_of_the_project(root):
    (root.parent / "outside.json").write_text("{}")
    (root / "main.json").symlink_to("../outside.json")

    assert str(read(root)[0]) == "it is outside of the project"


def test_a_schema_of_very_many_files_is_refused(root):
    files = {f"f{number}": ref(f"f{number + 1}.json") for number in range(120)}

    assert str(read(root, "f0.json", **files)[0]) == "it refers to more than 100 files"

"""Answers held to their schemas."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

TESTS = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def fits_schema():
    """Check an answer, once written as JSON and read again, by its schema."""

    def check(name, answer):
        schema = json.loads((TESTS.parent / "schemas" / f"{name}.schema.json").read_text())
        Draft202012Validator.check_schema(schema)
        Draft202012Validator(schema).validate(json.loads(json.dumps(answer, allow_nan=False)))

    return check

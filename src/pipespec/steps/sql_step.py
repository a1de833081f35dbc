"""Run a query in a `.sql` file as a step: its rows become a data frame, or a table of the database.

SQLAlchemy accesses the database. Values are bound and never written into the text, except for a table that is created,
because databases do not allow it there.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pipespec.document.wording import listing, quote
from pipespec.step.failure import StepError
from pipespec.steps.source_place import source_place, source_text
from pipespec.steps.step_arguments import Values

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, TextClause
    from sqlalchemy.exc import SQLAlchemyError

__all__ = ["sql"]

_COMMENTS: Final = re.compile(r"--[^\n]*|/\*.*?\*/|;", re.DOTALL)
_TABLE: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)?", re.ASCII)
_ROWS: Final = 10_000
"""Number of rows that are kept in memory while a table is read."""


def sql(
    query: str,
    url: str,
    inputs: Mapping[str, Path],
    params: Mapping[str, Any],
    table: str | None = None,
) -> Any:
    """Run the query of a file on a database.

    Args:
        query: The file with one statement, looked for where modules are; `:name` stands for the param `name`.
        url: The database, as SQLAlchemy spells it; `{inputs.NAME}` is the path of an input.
        inputs: Their paths.
        params: The other params, which the query names.
        table: Make this table of the rows, instead of the table of that name that there may be.

    Returns:
        The rows as a data frame; with `table`, how many rows it has, and a digest of them in any order.
    """
    import sqlalchemy  # noqa: PLC0415 - it takes a while, and only steps with queries need it
    from sqlalchemy.exc import NoSuchModuleError, SQLAlchemyError  # noqa: PLC0415

    text = source_text(source_place(query)).rstrip().rstrip(";")
    if not _COMMENTS.sub("", text).strip():
        raise StepError("raised", f"{quote(query)} contains no statement")
    statement = sqlalchemy.text(text)
    bound = _bound(statement, params, query)
    lists = [name for name, value in bound.items() if isinstance(value, list)]
    statement = statement.bindparams(
        *(sqlalchemy.bindparam(name, bound[name], expanding=True) for name in lists)
    )
    if table is not None and not _TABLE.fullmatch(table):
        raise StepError("binding", f"{quote(table)} is no name of a table")
    place = Values(inputs, params, {}).text(url)
    try:
        engine = sqlalchemy.create_engine(place, poolclass=sqlalchemy.NullPool)
        _require_file(engine.url)
        with engine.begin() as connection:
            if table is None:
                return _frame(connection, statement, bound)
            return _table(connection, statement, bound, table)
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        raise StepError("import", f"the driver of the database is not installed: {error}") from None
    except SQLAlchemyError as error:
        raise StepError("raised", f"{query}: {_said(error)}") from None


def _bound(statement: TextClause, params: Mapping[str, Any], query: str) -> dict[str, Any]:
    """Return the values of the names in a query. Refuse a name without a value, and a param that the query does not name."""
    names = set(statement.compile().params)
    missing, unused = sorted(names - params.keys()), sorted(params.keys() - names)
    if missing:
        raise StepError(
            "binding",
            f"{quote(query)} names {listing(missing)}, which is no param of the step; if {quote(f':{missing[0]}')} is not a name, write "
            f"\\:{missing[0]}",
        )
    if unused:
        raise StepError(
            "binding", f"{quote(query)} does not name the param {listing(unused)}; write it as :{unused[0]}"
        )
    for name in sorted(names):
        if isinstance(params[name], dict):
            raise StepError(
                "binding", f"the param {quote(name)} is a mapping, and a query takes single values and lists"
            )
    return {name: params[name] for name in names}


def _require_file(url: URL) -> None:
    """Refuse a file of SQLite that does not exist: connecting to it would make an empty database."""
    name = url.database if url.get_backend_name() == "sqlite" else None
    if name and name != ":memory:" and not name.startswith("file:") and not Path(name).exists():
        raise StepError("inputs", f"there is no database {quote(name)}")


def _frame(connection: Connection, statement: TextClause, bound: Mapping[str, Any]) -> Any:
    import pandas as pd  # noqa: PLC0415 - as above

    found = connection.execute(statement, bound)
    if not found.returns_rows:
        raise StepError("raised", "the query returns no rows; with 'table', it needs to be a SELECT as well")
    return pd.DataFrame(found.fetchall(), columns=[*found.keys()])


def _table(
    connection: Connection, statement: TextClause, bound: Mapping[str, Any], table: str
) -> dict[str, Any]:
    import sqlalchemy  # noqa: PLC0415 - as above

    valued = statement.bindparams(**bound)
    select = valued.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
    made = f"{table}__new"  # some databases cannot roll back that a table was dropped
    connection.exec_driver_sql(f"DROP TABLE IF EXISTS {made}")
    connection.exec_driver_sql(f"CREATE TABLE {made} AS {select}")
    connection.exec_driver_sql(f"DROP TABLE IF EXISTS {table}")
    connection.exec_driver_sql(f"ALTER TABLE {made} RENAME TO {table.rpartition('.')[2]}")
    rows, total = 0, 0
    found = connection.execution_options(stream_results=True).execute(
        sqlalchemy.text(f"SELECT * FROM {table}")  # noqa: S608 - the name is one
    )
    for part in found.partitions(_ROWS):
        for row in part:
            rows += 1
            text = json.dumps([*row], default=str, ensure_ascii=False)
            total += int.from_bytes(hashlib.sha256(text.encode()).digest())
    names = json.dumps([*found.keys()])
    digest = hashlib.sha256(f"{names} {rows} {total % 2**256:x}".encode()).hexdigest()
    return {"table": table, "rows": rows, "sha256": digest}


def _said(error: SQLAlchemyError) -> str:
    """Return the message of the database, without the statement and SQLAlchemy's advice."""
    said = " ".join(str(getattr(error, "orig", None) or error).split())
    return (
        f"{said.rstrip('.')}; write each into a file of its own"
        if "one statement at a time" in said
        else said
    )

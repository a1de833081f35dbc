import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from news.articles import fetch_column, fetch_ids
from news.database import insert_articles, read_state
from news.sample import make_articles

pytest.importorskip("psycopg", reason="there is no driver for PostgreSQL: pip install -e '.[test]'")


def _program(name: str) -> str:
    """Find a server program; Debian keeps them off the path."""
    candidates = [
        shutil.which(name),
        *sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True),
    ]
    for candidate in filter(None, candidates):
        return str(candidate)
    pytest.skip(f"{name} is not installed: apt-get install postgresql")


@pytest.fixture(scope="module")
def postgres():
    """A server of our own on a free loopback port; it refuses to run as root, so root lends it to `nobody`."""
    initdb, server = _program("initdb"), _program("postgres")
    account = {"user": "nobody"} if os.geteuid() == 0 else {}
    name = account.get("user") or pwd.getpwuid(os.geteuid()).pw_name
    with tempfile.TemporaryDirectory(prefix="pg") as folder, socket.socket() as probe:
        if account:
            shutil.chown(folder, "nobody")
        data = f"{folder}/data"
        make = [initdb, "-D", data, "-U", name, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        subprocess.run(make, check=True, capture_output=True, cwd=folder, timeout=60, **account)
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        options = ["-h", "127.0.0.1", "-k", folder, "-p", str(port), "-F"]
        process = subprocess.Popen(
            [server, "-D", data, *options], stderr=subprocess.PIPE, text=True, cwd=folder, **account
        )
        try:
            said = []
            for line in process.stderr:
                said.append(line)
                if "ready to accept connections" in line:
                    break
            assert process.poll() is None, "".join(said)
            yield f"postgresql+psycopg://{name}@127.0.0.1:{port}/postgres"
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=30)


def test_the_same_functions_read_the_same_from_postgresql(postgres, tmp_path, articles_sql):
    sqlite = f"sqlite:///{tmp_path / 'news.db'}"

    def read_all(database: str) -> list[object]:
        engine = create_engine(database)
        insert_articles(engine, map(asdict, make_articles(700)))
        before = read_state(database)
        insert_articles(engine, [asdict(replace(make_articles(1)[0], id=5))])
        engine.dispose()
        ids = fetch_ids(articles_sql, database, date(2021, 10, 1))
        columns = [fetch_column(ids, database, column) for column in ("title", "body_html", "category")]
        return [before, read_state(database), *(frame.to_dict("list") for frame in (ids, *columns))]

    from_postgres, from_sqlite = read_all(postgres), read_all(sqlite)

    assert from_postgres == from_sqlite
    assert from_postgres[1] == from_postgres[0] | {"articles": 701}
    assert len(from_postgres[2]["id"]) > 500

"""Inputs at URIs: what is asked of S3 and of a web server, when a step runs again, and what is said where there is nothing."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from proxy import proxy_to

pytestmark = pytest.mark.servers

STEPS = """
from pathlib import Path


def count(table: Path) -> dict:
    with open("executed.txt", "a") as file:
        file.write("count\\n")
    if isinstance(table, list):
        return {path.name: path.stat().st_size for path in table}
    if table.is_dir():
        return {path.relative_to(table).as_posix(): path.stat().st_size for path in table.rglob("*") if path.is_file()}
    return {"bytes": table.stat().st_size}
"""

PIPELINE = """\
pipespec: 1
name: counting
steps:
  count:
    call: steps:count
    inputs: {{table: {{{kind}: "{uri}", load: path}}}}
    outputs: {{counted: counted.json}}
"""


class Counting:
    """A project whose one step reads something at a URI."""

    def __init__(self, project, environment) -> None:
        self.project, self.environment = project, environment
        project.write("steps.py", STEPS.replace("table: Path", "table"))

    def read(self, kind: str, uri: str) -> None:
        self.project.write("pipeline.yaml", PIPELINE.format(kind=kind, uri=uri))

    def runs(self) -> bool:
        """Run, and say whether the step was executed."""
        return self.project.ran(**self.environment) == {"count"}

    def said(self):
        return self.project.pipespec("run", "pipeline.yaml", **self.environment)

    @property
    def counted(self) -> dict[str, int]:
        answer = self.project.pipespec("get", "pipeline.yaml", "count.counted", "-", **self.environment)
        assert answer.code == 0, answer.err
        return answer.json


@pytest.fixture
def watched(s3):
    """A way to S3 that counts what is asked."""
    with proxy_to(s3.port) as made:
        yield made


@pytest.fixture
def in_s3(empty_project, bucket, watched):
    return Counting(empty_project, {**bucket.environment, "AWS_ENDPOINT_URL_S3": watched.url})


def asked(proxy) -> list[str]:
    """Return what was asked since the last time."""
    methods = [request.method for request in proxy.requests]
    proxy.requests.clear()
    return methods


@pytest.mark.parametrize("is_versioned", [False, True])
def test_a_file_in_s3_is_fetched_once_for_each_version(in_s3, bucket, watched, is_versioned):
    if is_versioned:
        bucket.client.put_bucket_versioning(Bucket=bucket.name, VersioningConfiguration={"Status": "Enabled"})
    bucket.put("data/table.csv", b"a,b\n")
    in_s3.read("file", f"{bucket.uri}/data/table.csv")

    assert in_s3.runs()
    assert in_s3.counted == {"bytes": 4}
    asked(watched)
    assert not in_s3.runs()
    assert asked(watched) == ["HEAD"]

    bucket.put("data/table.csv", b"a,b\n1,2\n")
    assert in_s3.runs()
    assert in_s3.counted == {"bytes": 8}

    bucket.put("data/table.csv", b"a,b\n1,2\n")  # the same content as another version
    assert in_s3.runs() == is_versioned


@pytest.mark.parametrize(
    ("kind", "where", "counted"),
    [
        ("dir", "data", {"a.csv": 1, "sub/b.csv": 2, "sub/c.txt": 3}),
        ("files", "data/**/*.csv", {"a.csv": 1, "b.csv": 2}),
        ("files", "data/sub/?.txt", {"c.txt": 3}),
    ],
)
def test_folders_and_patterns_in_s3_are_told_by_one_listing(in_s3, bucket, watched, kind, where, counted):
    for name, size in {"a.csv": 1, "sub/b.csv": 2, "sub/c.txt": 3}.items():
        bucket.put(f"data/{name}", bytes(size))
    bucket.put("database.csv", b"not in the folder")
    in_s3.read(kind, f"{bucket.uri}/{where}")

    assert in_s3.runs()
    assert in_s3.counted == counted
    asked(watched)
    assert not in_s3.runs()
    assert asked(watched) == ["GET"]

    bucket.put("data/sub/d.txt" if kind == "dir" else "data/sub/c.txt", bytes(5))
    bucket.put("data/sub/b.csv", bytes(7))
    assert in_s3.runs()


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("s3://{bucket}/nothing.csv", "there is nothing at 's3://{bucket}/nothing.csv'"),
        ("s3://no-such-bucket/table.csv", "there is nothing at 's3://no-such-bucket/table.csv'"),
    ],
)
def test_what_is_not_in_s3_is_said_with_its_place(in_s3, bucket, uri, said):
    in_s3.read("file", uri.format(bucket=bucket.name))
    answer = in_s3.said()
    assert (answer.code, answer.out) == (2, "")
    place = "pipeline.yaml:6:28: input 'table' of step 'count': "
    assert answer.err == f"error: {place}{said.format(bucket=bucket.name)}\n"


def test_an_object_that_changes_between_plan_and_run_is_not_taken_for_what_was_planned(
    in_s3, bucket, watched
):
    bucket.put("table.csv", b"old")
    in_s3.read("file", f"{bucket.uri}/table.csv")
    changed = []

    def rule(request):
        if request.method == "GET" and "table.csv" in request.path and not changed:
            changed.append(request)
            bucket.put("table.csv", b"new content")

    watched.rule = rule
    answer = in_s3.said()
    assert changed
    assert answer.code == 1
    assert "changed during the run; run again to use the new version" in answer.out + answer.err
    assert in_s3.runs()
    assert in_s3.counted == {"bytes": 11}


# ------------------------------------------------------------------------------------------ web servers


class Pages(ThreadingHTTPServer):
    """A web server with one page."""

    def __init__(self) -> None:
        self.content, self.etag, self.status = b"a,b\n", "one", 200
        self.promised = 0
        """How much longer it says that its content is."""
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), _Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/table.csv"


class _Handler(BaseHTTPRequestHandler):
    server: Pages

    def _answer(self, *, body: bool) -> None:
        pages = self.server
        pages.asked.append(self.command)
        self.send_response(pages.status)
        self.send_header("Content-Length", str(len(pages.content) + pages.promised))
        if pages.etag:
            self.send_header("ETag", f'"{pages.etag}"')
        self.end_headers()
        if body:
            self.wfile.write(pages.content)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def log_message(self, *_) -> None:
        pass


@pytest.fixture
def pages():
    pytest.importorskip("aiohttp")
    made = Pages()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture
def on_web(empty_project, pages):
    made = Counting(empty_project, {})
    made.read("file", pages.url)
    return made


def test_a_page_with_an_etag_is_asked_for_its_head_only_while_it_is_the_same(on_web, pages):
    assert on_web.runs()
    assert on_web.counted == {"bytes": 4}
    pages.asked.clear()
    assert not on_web.runs()
    assert pages.asked == ["HEAD"]

    pages.content, pages.etag = b"a,b\n1,2\n", "two"
    assert on_web.runs()
    assert on_web.counted == {"bytes": 8}


def test_a_page_without_an_etag_is_told_by_its_content(on_web, pages):
    pages.etag = ""
    assert on_web.runs()
    assert not on_web.runs()
    pages.content = b"x,y\n"
    assert on_web.runs()


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (404, "it is not there (404)"),
        (410, "it is gone (410)"),
        (403, "access is forbidden (403)"),
        (401, "it asks for credentials (401)"),
        (500, "it answers an error (500)"),
    ],
)
def test_a_page_that_is_not_given_is_said_with_its_place(on_web, pages, status, said):
    pages.status = status
    answer = on_web.said()
    assert (answer.code, answer.out) == (2, "")
    place = "pipeline.yaml:6:28: input 'table' of step 'count': "
    host = f"http://127.0.0.1:{pages.server_port}"
    assert answer.err == f"error: {place}'{host}' does not give '{pages.url}': {said}\n"


@pytest.mark.parametrize("etag", ["one", ""])
def test_a_download_that_is_cut_short_says_how_much_came(on_web, pages, etag):
    pages.promised, pages.etag = 96, etag
    answer = on_web.said()
    said = answer.err + answer.out
    assert answer.code
    assert f"'{pages.url}' cannot be downloaded: 4 of 100 bytes came\n" in said
    assert "Error" not in said
    pages.promised = 0
    assert on_web.runs()

"""The language server that editors ask about YAML: installed from npm below `build/`, spoken to over its streams."""

import json
import queue
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PACKAGE = "yaml-language-server@1.25.0"
LIMIT = 60.0


class Server:
    """One server; each document that is opened names its schema in a first line."""

    def __init__(self, program: Path, folder: Path) -> None:
        self.folder = folder
        self._process = subprocess.Popen(
            ["node", program, "--stdio"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._messages: queue.Queue = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self._number = 0
        self._found: dict[str, list] = {}
        self.ask("initialize", processId=None, rootUri=folder.as_uri(), capabilities=CAPABILITIES)
        self._tell("initialized")

    def ask(self, method, **params):
        """Send a request and return its result; questions of the server's own are answered on the way."""
        self._number += 1
        number = self._number
        self._send({"id": number, "method": method, "params": params})
        while True:
            message = self._next()
            if message.get("id") == number and "method" not in message:
                assert "error" not in message, message
                return message["result"]

    def open(self, name, text):
        uri = (self.folder / name).as_uri()
        self._tell(
            "textDocument/didOpen",
            textDocument={"uri": uri, "languageId": "yaml", "version": 1, "text": text},
        )
        return uri

    def mistakes(self, name, text):
        """Open a document and return what is marked in it: line (from 1) and message."""
        uri = self.open(name, text)
        while uri not in self._found:
            self._next()
        return [(one["range"]["start"]["line"] + 1, one["message"]) for one in self._found.pop(uri)]

    def completions(self, name, text):
        """Return the labels offered at the mark `|` of a text."""
        place, text = self._at_mark(text)
        answer = self.ask(
            "textDocument/completion", textDocument={"uri": self.open(name, text)}, position=place
        )
        return [item["label"] for item in answer["items"]]

    def hover(self, name, text):
        """Return what is shown of the word after the mark `|`."""
        place, text = self._at_mark(text)
        answer = self.ask("textDocument/hover", textDocument={"uri": self.open(name, text)}, position=place)
        return "" if answer is None else answer["contents"]["value"]

    def close(self):
        self.ask("shutdown")
        self._tell("exit")
        self._process.stdin.close()
        self._process.wait(LIMIT)
        self._process.stdout.close()

    @staticmethod
    def _at_mark(text):
        before, after = text.split("|")
        line = before.count("\n")
        return {"line": line, "character": len(before.rpartition("\n")[2])}, before + after

    def _tell(self, method, **params):
        self._send({"method": method, "params": params})

    def _send(self, message):
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self._process.stdin.flush()

    def _next(self):
        message = self._messages.get(timeout=LIMIT)
        assert message is not None, "the server has ended"
        if message.get("method") == "textDocument/publishDiagnostics":
            self._found[message["params"]["uri"]] = message["params"]["diagnostics"]
        elif message.get("method") == "workspace/configuration":
            settings = [SETTINGS.get(item["section"]) for item in message["params"]["items"]]
            self._send({"id": message["id"], "result": settings})
        elif "id" in message and "method" in message:
            self._send({"id": message["id"], "result": None})
        return message

    def _read(self):
        stream = self._process.stdout
        length = 0
        while header := stream.readline():
            if header.lower().startswith(b"content-length"):
                length = int(header.split(b":")[1])
            elif header == b"\r\n":
                self._messages.put(json.loads(stream.read(length)))
        self._messages.put(None)


SETTINGS = {
    "yaml": {
        "validate": True,
        "hover": True,
        "completion": True,
        "schemaStore": {"enable": False},
        "kubernetesCRDStore": {"enable": False},
    }
}
CAPABILITIES = {
    "workspace": {"configuration": True},
    "textDocument": {
        "completion": {
            "completionItem": {"snippetSupport": True, "documentationFormat": ["markdown", "plaintext"]}
        },
        "hover": {"contentFormat": ["markdown", "plaintext"]},
        "publishDiagnostics": {},
    },
}


@pytest.fixture(scope="session")
def program():
    """Install the server once for this checkout."""
    if not (shutil.which("npm") and shutil.which("node")):
        pytest.skip("the language server comes from npm, which is not here")
    folder = REPOSITORY / "build" / PACKAGE.replace("@", "-")
    found = folder / "node_modules/yaml-language-server/bin/yaml-language-server"
    if not found.exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = [
            "npm",
            "install",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            "--prefix",
            folder,
            PACKAGE,
        ]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=280)
        if done.returncode != 0:
            pytest.skip(f"npm cannot install {PACKAGE}: {done.stderr.strip()[-300:]}")
    return found


@pytest.fixture(scope="session")
def running_server(program, tmp_path_factory):
    one = Server(program, tmp_path_factory.mktemp("editor"))
    yield one
    one.close()


@pytest.fixture
def server(running_server, tmp_path):
    """The server, with the test's own folder: what it knows of other tests is in files of other names."""
    running_server.folder = tmp_path
    return running_server

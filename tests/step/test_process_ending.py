"""What a function left open, or still goes on, when it returns: its outputs are what plain Python would have left."""

from __future__ import annotations

import hashlib

import pytest

SPELT = "".join(f"{number}\n" for number in range(20_000))

LEFT_OPEN = {
    "a file that is kept": "KEEP.append(file := out.open('w')); file.write(text)",
    "a file in a cycle": "file = out.open('w'); file.write(text); loop = [file]; loop.append(loop)",
    "a binary file": "KEEP.append(file := out.open('wb')); file.write(text.encode())",
    "a file opened for both": "KEEP.append(file := out.open('w+')); file.write(text)",
    "a descriptor's file": "KEEP.append(file := os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT), 'w')); file.write(text)",
    "a generator at its yield": """
            def writing():
                with out.open("w") as file:
                    file.write(text)
                    yield
            KEEP.append(one := writing()); next(one)""",
    "a generator that ends its file": """
            def writing():
                file = out.open("w")
                try:
                    file.write(text[:-2])
                    yield
                finally:
                    file.write(text[-2:])
            KEEP.append(one := writing()); next(one)""",
    "a logging handler": """
            handler = logging.FileHandler(out, "w"); handler.terminator = ""
            logger = logging.getLogger("one"); logger.propagate = False; logger.addHandler(
                logging.handlers.MemoryHandler(10**6, logging.CRITICAL, handler)); logger.error(text)""",
    "an exit callback": "atexit.register(out.write_text, text)",
    "exit callbacks in reverse order": """
            atexit.register(lambda: out.open("a").write(text[7:]))
            atexit.register(lambda: out.write_text(text[:7]))""",
    "a thread": "threading.Thread(target=lambda: (time.sleep(0.3), out.write_text(text))).start()",
    "a pool with work to do": """
            KEEP.append(pool := ThreadPoolExecutor(1)); pool.submit(time.sleep, 0.2); pool.submit(out.write_text, text)""",
    "a thread that starts a thread": """
            threading.Thread(target=lambda: threading.Thread(
                target=lambda: (time.sleep(0.2), out.write_text(text))).start()).start()""",
}

HEAD = """
        import atexit, logging, logging.handlers, os, threading, time
        from concurrent.futures import ThreadPoolExecutor
        KEEP = []
        def step(out, text):
            {body}
"""


def run_left_open(run_step, body, file="out.txt", **more):
    return run_step(HEAD.format(body=body), outputs={"out": file}, params={"text": SPELT}, **more)


@pytest.mark.parametrize("body", LEFT_OPEN.values(), ids=LEFT_OPEN)
def test_what_is_open_when_a_function_returns_is_written_to_its_end(run_step, body):
    done = run_left_open(run_step, body)

    assert done.failure is None
    assert done.output("out.txt").read_text() == SPELT
    (saved,) = done.outcome.outputs
    assert saved.digest == hashlib.sha256(SPELT.encode()).hexdigest()


@pytest.mark.parametrize(
    ("name", "opened", "reader"),
    [
        ("out.gz", "gzip.open(out, 'wt')", "gzip"),
        ("out.bz2", "bz2.open(out, 'wt')", "bz2"),
        ("out.xz", "lzma.open(out, 'wt')", "lzma"),
    ],
)
def test_a_compressed_file_that_is_left_open_gets_its_end(run_step, name, opened, reader):
    done = run_left_open(
        run_step, f"import bz2, gzip, lzma; KEEP.append(file := {opened}); file.write(text)", name
    )

    assert done.failure is None
    assert __import__(reader).open(done.output(name), "rt").read() == SPELT


def test_an_archive_that_is_left_open_gets_its_end(run_step):
    import zipfile

    body = "import zipfile; KEEP.append(file := zipfile.ZipFile(out, 'w')); file.writestr('a', text)"
    done = run_left_open(run_step, body, "out.zip")

    assert done.failure is None
    assert zipfile.ZipFile(done.output("out.zip")).read("a").decode() == SPELT


def test_files_in_a_folder_are_written_to_their_ends(run_step):
    body = """
            for name in "abc":
                KEEP.append(file := (out / name).open("w")); file.write(text)"""
    done = run_left_open(run_step, body, "out/")

    assert done.failure is None
    assert {path.read_text() for path in done.output("out").iterdir()} == {SPELT}


def test_an_exit_callback_that_raises_is_told_in_the_log_and_does_no_harm(run_step):
    done = run_left_open(run_step, "atexit.register(lambda: 1 / 0); out.write_text(text)")

    assert done.failure is None
    assert "ZeroDivisionError" in done.log


@pytest.mark.parametrize(
    "body",
    [
        "file = out.open('w', buffering=1)\n            write = file.write",
        "file = open(os.open(out, os.O_WRONLY | os.O_CREAT), 'wb', buffering=0)\n            write = lambda text: os.write(file.fileno(), text.encode())",
        "write = lambda line: out.open('a').write(line)",
    ],
    ids=["an open file", "a descriptor", "its path"],
)
def test_a_daemon_thread_that_goes_on_writing_cannot_change_what_was_digested(run_step, body):
    done = run_left_open(
        run_step,
        f"""{body}
            def go_on():
                while True:
                    write("line\\n")
                    time.sleep(0.0001)
            threading.Thread(target=go_on, daemon=True).start()
            time.sleep(0.1)""",
    )

    assert done.failure is None
    (saved,) = done.outcome.outputs
    content = done.output("out.txt").read_bytes()
    assert (saved.bytes, saved.digest) == (len(content), hashlib.sha256(content).hexdigest())
    assert set(content.splitlines()) == {b"line"}


def test_what_is_mapped_into_memory_is_published_as_it_was_digested(run_step):
    done = run_left_open(
        run_step,
        """
            import mmap
            out.write_text(text)
            with out.open("r+") as file:
                KEEP.append(mapped := mmap.mmap(file.fileno(), 0))
            def go_on():
                while True:
                    mapped[0:1] = b"1" if mapped[0:1] == b"0" else b"0"
            threading.Thread(target=go_on, daemon=True).start()""",
    )

    assert done.failure is None
    content = done.output("out.txt").read_bytes()
    assert done.outcome.outputs[0].digest == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("file", ["out.txt", "out/"], ids=["a file", "a folder"])
def test_a_child_process_that_still_writes_is_named_and_fails_the_step(run_step, file):
    done = run_left_open(
        run_step,
        """
            place = out / "a" if out.is_dir() else out
            place.write_text("begun")
            child = os.fork()
            if child == 0:
                with place.open("a") as file:
                    time.sleep(30)
                os._exit(0)
            print("child", child)
            time.sleep(0.5)""",
        file,
    )

    child = done.log.split()[1]
    kind, message = done.failure
    assert kind == "outputs"
    assert message.endswith(
        f"is still open for writing in process {child}; wait for it before the function returns"
    )


def test_a_child_process_that_opens_its_file_again_and_again_cannot_change_what_was_digested(run_step):
    done = run_left_open(
        run_step,
        """
            out.write_text("begun\\n")
            if os.fork() == 0:
                for _ in range(3000):
                    try:
                        with out.open("a") as file:
                            file.write("line\\n")
                    except OSError:
                        pass
                    time.sleep(0.001)
                os._exit(0)
            time.sleep(0.2)""",
    )

    assert done.failure is None
    content = done.output("out.txt").read_bytes()
    assert done.outcome.outputs[0].digest == hashlib.sha256(content).hexdigest()


def test_a_child_process_that_ends_in_a_moment_is_waited_for(run_step):
    done = run_left_open(
        run_step,
        """
            import subprocess
            with out.open("w") as file:
                subprocess.Popen(["sh", "-c", "sleep 0.3; echo done"], stdout=file)""",
    )

    assert (done.failure, done.output("out.txt").read_text()) == (None, "done\n")

"""How long the page of `graph --format html` takes to open and lay itself out in headless Chromium.

    python benchmarks/graph_page.py [steps] [rounds]

Three shapes of 500 steps: chains of ten, a fan out of one step and into another, and a random graph in which each step
reads three earlier ones. Prints for each the size of the page, how long the command took to write it, and the least
and the median time from opening it in a new window to its first frame with all steps drawn. To be below 5 s. Needs
the extra `browser`, and a Chromium.
"""

from __future__ import annotations

import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]
FRAME = "() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(() => drawn(0))))"


def shapes(count: int) -> dict[str, list[tuple[int, int]]]:
    """Return the edges of each shape, from the step that is read to its reader."""
    chance = random.Random(7)
    inner = range(1, count - 1)
    return {
        "chains": [(n - 1, n) for n in range(1, count) if n % 10],
        "fan": [(0, n) for n in inner] + [(n, count - 1) for n in inner],
        "random": [(read, n) for n in range(1, count) for read in chance.sample(range(n), min(3, n))],
    }


def write_project(folder: Path, count: int, edges: list[tuple[int, int]]) -> None:
    """Write a pipeline of these edges, whose steps all call one function."""
    reads: dict[int, list[int]] = {}
    for read, reader in edges:
        reads.setdefault(reader, []).append(read)
    (folder / "pyproject.toml").write_text('[project]\nname = "drawn"\nversion = "0"\n')
    (folder / "steps.py").write_text("def work(**inputs) -> dict:\n    return {}\n")
    (folder / "pipeline.yaml").write_text("\n".join(_lines(count, reads)) + "\n")


def _lines(count: int, reads: dict[int, list[int]]) -> Iterator[str]:
    yield from ("pipespec: 1", "name: drawn", "steps:")
    for n in range(count):
        inputs = ", ".join(f"i{read}: s{read}" for read in reads.get(n, ()))
        yield f"  s{n}: {{call: 'steps:work', inputs: {{{inputs}}}, outputs: {{out: out.json}}}}"


def seconds_to_open(browser: Browser, page: Path, count: int) -> float:
    """Open the page in a new window, and wait until a frame shows all steps."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    window = context.new_page()
    began = time.perf_counter()
    window.goto(page.as_uri())
    window.evaluate(FRAME)
    taken = time.perf_counter() - began
    assert window.locator(".node").count() == count
    context.close()
    return taken


def main() -> None:
    """Measure each shape in a folder of its own."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 7
    command = Path(sys.executable).with_name("pipespec")
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as temporary:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for shape, edges in shapes(count).items():
            folder = Path(temporary, shape)
            folder.mkdir()
            write_project(folder, count, edges)
            page = folder / "graph.html"
            began = time.perf_counter()
            subprocess.run(
                [command, "graph", "pipeline.yaml", "--format", "html", "-o", page], cwd=folder, check=True
            )
            written = time.perf_counter() - began
            times = [seconds_to_open(browser, page, count) for _ in range(rounds)]
            print(
                f"{shape:7} {count} steps, {len(edges):4} edges, {page.stat().st_size // 1000} kB: "
                f"written in {written:.2f} s, opened in {min(times):.2f} / {statistics.median(times):.2f} s (min / median)"
            )
        browser.close()


if __name__ == "__main__":
    main()

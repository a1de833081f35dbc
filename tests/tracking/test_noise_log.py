"""What libraries say goes to a file, or nowhere: never to the user."""

import logging
from pathlib import Path

import pytest

from pipespec.tracking.noise_log import NoiseLog


@pytest.mark.parametrize("place", ["/dev/full", "/proc/none/log.txt", "."])
def test_a_log_that_cannot_be_written_is_no_matter(place, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    handler, logger = NoiseLog(Path(place), "%(message)s"), logging.getLogger(tmp_path.name)
    logger.propagate = False  # a sign that is none breaks what tests are reported by
    logger.addHandler(handler)

    logger.warning("told")
    logger.warning("told %d")  # a message that is wrong itself
    handler.close()

    assert capfd.readouterr() == ("", "")


def test_a_log_has_what_was_said(tmp_path):
    handler, logger = (
        NoiseLog(tmp_path / "log.txt", "%(levelname)s %(message)s"),
        logging.getLogger(tmp_path.name),
    )
    logger.propagate = False  # a sign that is none breaks what tests are reported by
    logger.addHandler(handler)
    assert not (tmp_path / "log.txt").exists()

    logger.warning("told %s", "\ud800")
    handler.close()

    assert (tmp_path / "log.txt").read_text() == "WARNING told \\ud800\n"

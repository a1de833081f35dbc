import hashlib
import os
import socket
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipespec.step.content_digest import (
    ContentError,
    TreeDigest,
    digest_file,
    digest_tree,
    tree_digest,
    walk_files,
)

ABC = hashlib.sha256(b"abc").hexdigest()
EMPTY = hashlib.sha256(b"").hexdigest()


def test_a_file_has_the_sha256_and_the_size_of_its_bytes(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")

    assert digest_file(tmp_path / "a") == (ABC, 3)


def test_a_file_larger_than_one_read_is_digested_whole(tmp_path):
    content = bytes(range(256)) * 10_000
    (tmp_path / "a").write_bytes(content)

    assert digest_file(tmp_path / "a") == (hashlib.sha256(content).hexdigest(), len(content))


def test_a_link_to_an_external_file_is_followed(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "link").symlink_to("a")

    assert digest_file(tmp_path / "link") == (ABC, 3)


def test_a_tree_is_digested_by_sorted_names_and_contents(tmp_path):
    (tmp_path / "b.txt").write_bytes(b"abc")
    (tmp_path / "a" / "deep").mkdir(parents=True)
    (tmp_path / "a" / "deep" / "x").write_bytes(b"")
    (tmp_path / "empty").mkdir()

    expected = hashlib.sha256(f'[["a/deep/x","{EMPTY}"],["b.txt","{ABC}"]]'.encode()).hexdigest()
    assert digest_tree(tmp_path) == TreeDigest(expected, 3, 2, {"a/deep/x": EMPTY, "b.txt": ABC})


def test_known_tree_digests_stay_what_they_are():
    assert tree_digest({}) == "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945"
    assert (
        tree_digest({"b": ABC, "a/ü": EMPTY})
        == "e98dd3c950ab3edd5d8214f99d384f30b952a0adc3aeadcfe50c68406e60d53c"
    )


@given(st.dictionaries(st.text(), st.sampled_from([ABC, EMPTY])), st.randoms())
def test_the_order_of_names_does_not_matter(manifest, random):
    shuffled = list(manifest.items())
    random.shuffle(shuffled)

    assert tree_digest(dict(shuffled)) == tree_digest(manifest)


def test_moving_a_byte_between_name_and_folder_changes_the_digest():
    assert len({tree_digest({"a/b": ABC}), tree_digest({"ab": ABC}), tree_digest({"a": ABC, "b": ABC})}) == 3


def test_times_and_modes_do_not_count(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    before = digest_tree(tmp_path)
    os.utime(tmp_path / "a", (0, 0))
    (tmp_path / "a").chmod(0o700)

    assert digest_tree(tmp_path) == before


def test_names_are_compared_in_nfc(tmp_path):
    (tmp_path / unicodedata.normalize("NFD", "é")).write_bytes(b"abc")

    assert digest_tree(tmp_path).manifest == {unicodedata.normalize("NFC", "é"): ABC}


def test_two_spellings_of_one_name_are_refused(tmp_path):
    for form in ("NFC", "NFD"):
        (tmp_path / unicodedata.normalize(form, "é")).write_bytes(b"abc")

    with pytest.raises(ContentError, match="two files differ only in the Unicode form of the name 'é'"):
        digest_tree(tmp_path)


def test_a_name_that_is_not_utf8_is_refused(tmp_path):
    (tmp_path / os.fsdecode(b"bad\xff")).write_bytes(b"")

    with pytest.raises(ContentError, match=r"the name 'bad\\udcff' in '.*' is not UTF-8"):
        digest_tree(tmp_path)


def _link(path):
    path.symlink_to("/etc/passwd")


def _socket(path):
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind(str(path))


@pytest.mark.parametrize(
    ("make", "word"),
    [(_link, "a symbolic link"), (os.mkfifo, "a named pipe"), (_socket, "a socket")],
)
def test_what_is_no_regular_file_is_refused_by_name(tmp_path, monkeypatch, make, word):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    make(tmp_path.joinpath("sub", "odd").relative_to(tmp_path))

    with pytest.raises(ContentError) as refused:
        digest_tree(tmp_path)

    assert str(refused.value) == f"'sub/odd' is {word}, not a regular file"


def test_a_link_to_a_directory_inside_a_tree_is_not_followed(tmp_path):
    (tmp_path / "loop").symlink_to(tmp_path)

    with pytest.raises(ContentError, match="'loop' is a symbolic link"):
        digest_tree(tmp_path)


@pytest.mark.parametrize("path", ["/dev/null", "/dev"])
def test_an_external_file_is_a_regular_file(path):
    from pathlib import Path

    with pytest.raises(ContentError, match="not a regular file"):
        digest_file(Path(path))


def test_what_is_not_there_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        digest_file(tmp_path / "a")
    with pytest.raises(FileNotFoundError):
        digest_tree(tmp_path / "a")


def test_a_deep_tree_needs_no_recursion(tmp_path):
    folder = tmp_path
    for _ in range(300):
        folder = folder / "d"
        folder.mkdir()
    (folder / "f").write_bytes(b"abc")

    assert [name for name, _ in walk_files(tmp_path)] == ["d/" * 300 + "f"]


class TestLinks:
    """Links inside of a folder, where they may be followed."""

    @pytest.fixture
    def folder(self, tmp_path):
        folder = tmp_path / "project" / "folder"
        (folder / "sub").mkdir(parents=True)
        (folder / "sub" / "a").write_bytes(b"abc")
        (folder.parent / "beside").write_bytes(b"abc")
        (tmp_path / "outside").write_bytes(b"abc")
        return folder

    @pytest.mark.parametrize(
        ("link", "target", "name"),
        [
            ("link", "sub/a", "link"),
            ("link", "sub", "link/a"),
            ("sub/link", "../../beside", "sub/link"),
            ("link", "other", "link"),
        ],
    )
    def test_they_lead_to_files_and_folders(self, folder, link, target, name):
        (folder / "other").symlink_to("sub/a")
        (folder / link).symlink_to(target)

        found = dict(walk_files(folder, links_to=(folder.parent,)))

        assert found.keys() == {"sub/a", "other", name}
        assert not any(path.is_symlink() for path in found.values())

    @pytest.mark.parametrize(
        ("link", "target", "why"),
        [
            ("link", "../../outside", "leads out of the project, to '../../outside'"),
            ("link", "/etc/passwd", "leads out of the project, to '/etc/passwd'"),
            ("link", "nowhere", "leads to nothing"),
            ("link", "link", "leads to itself"),
            ("sub/link", "..", "leads to a folder that it stands in"),
            ("sub/link", ".", "leads to a folder that it stands in"),
        ],
    )
    def test_what_they_must_not_lead_to_is_said(self, folder, link, target, why):
        (folder / link).symlink_to(target)

        with pytest.raises(ContentError) as refused:
            list(walk_files(folder, links_to=(folder.parent,)))

        assert str(refused.value) == f"the symbolic link '{link}' {why}"

    def test_folders_that_link_to_each_other_end(self, folder):
        (folder / "other").mkdir()
        (folder / "sub" / "to").symlink_to("../other")
        (folder / "other" / "to").symlink_to("../sub")

        with pytest.raises(ContentError, match="leads to a folder that it stands in"):
            list(walk_files(folder, links_to=None))

    def test_few_links_cannot_make_very_many_files(self, folder):
        for level in range(20):
            (folder / f"l{level}").mkdir()
            for side in "ab":
                (folder / f"l{level}" / side).symlink_to(f"../l{level + 1}")
        (folder / "l20").mkdir()

        with pytest.raises(ContentError, match="more than 10,000 symbolic links"):
            list(walk_files(folder, links_to=None))

"""What a program does to files is undone, and nothing of the user's is ever lost by that."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from pathlib import Path

import pytest

from raceproof.world import backups
from raceproof.world.backups import Backups, Listing

posix = pytest.mark.skipif(sys.platform == "win32", reason="modes and links of POSIX")


@pytest.fixture
def kept() -> Backups:
    return Backups()


def state(directory: Path) -> dict[str, tuple[int, bytes, int]]:
    found = {}
    for path in sorted(directory.rglob("*")):
        status = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        changed = status.st_mtime_ns if stat.S_ISREG(status.st_mode) else 0
        found[str(path.relative_to(directory))] = (status.st_mode, content, changed)
    return found


def test_new_files_and_directories_go_away(tmp_path: Path, kept: Backups) -> None:
    for path in (tmp_path / "new", tmp_path / "new/er", tmp_path / "new/er/file"):
        kept.remember(str(path))
    (tmp_path / "new/er").mkdir(parents=True)
    (tmp_path / "new/er/file").write_text("x")
    kept.put_back()
    assert state(tmp_path) == {}
    assert [Path(path).name for path in sorted(kept.written)] == ["new", "er", "file"]
    assert kept.lost == {}


def test_what_others_put_into_a_new_directory_was_not_there_before(
    tmp_path: Path, kept: Backups
) -> None:
    new = tmp_path / "new"
    kept.remember(str(new))
    (new / "made by another process").mkdir(parents=True)
    kept.remember(str(new / "made by another process"))
    shutil.rmtree(new)
    kept.put_back()
    assert state(tmp_path) == {}
    assert kept.lost == {}


def test_a_directory_that_cannot_be_put_back_is_lost_once(tmp_path: Path, kept: Backups) -> None:
    (tmp_path / "directory/inner").mkdir(parents=True)
    kept.remember(str(tmp_path / "directory/inner"))
    shutil.rmtree(tmp_path / "directory")
    kept.put_back()
    assert list(kept.lost) == [str(tmp_path / "directory/inner")]


@posix
def test_a_file_that_was_there_is_put_back_whole(tmp_path: Path, kept: Backups) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"precious")
    file.chmod(0o640)
    os.utime(file, ns=(10**18, 10**18))
    before = state(tmp_path)
    for change in (
        lambda: file.write_bytes(b"spoilt"),
        file.unlink,
        lambda: file.chmod(0o600),
        lambda: os.truncate(file, 2),
        lambda: (file.unlink(), file.mkdir()),
        lambda: file.rename(tmp_path / "moved"),
    ):
        kept.remember(str(file))
        kept.remember(str(tmp_path / "moved"))
        change()
        assert state(tmp_path) != before
        kept.put_back()
        assert state(tmp_path) == before


def test_a_file_that_is_still_open_does_not_spoil_it_later(tmp_path: Path, kept: Backups) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"precious")
    kept.remember(str(file))
    stream = file.open("a")
    stream.write("in the buffer")
    file.write_bytes(b"")
    kept.put_back()
    if sys.platform != "win32":
        stream.close()
    assert file.read_bytes() == b"precious"


@posix
def test_a_file_with_other_names_stays_the_same_file(tmp_path: Path, kept: Backups) -> None:
    file, other = tmp_path / "file", tmp_path / "other"
    file.write_bytes(b"precious")
    os.link(file, other)
    kept.remember(str(file))
    file.write_bytes(b"spoilt")
    kept.put_back()
    assert other.read_bytes() == b"precious"
    assert file.samefile(other)


@posix
def test_links_and_directories_that_were_there(tmp_path: Path, kept: Backups) -> None:
    (tmp_path / "target").write_text("x")
    (tmp_path / "link").symlink_to("target")
    (tmp_path / "directory").mkdir(mode=0o700)
    (tmp_path / "directory/inner").write_text("y")
    before = state(tmp_path)
    for name in ("link", "directory", "directory/inner"):
        kept.remember(str(tmp_path / name))
    (tmp_path / "link").unlink()
    (tmp_path / "directory/inner").unlink()
    (tmp_path / "directory").rmdir()
    kept.put_back()
    assert state(tmp_path) == before
    assert os.readlink(tmp_path / "link") == "target"


def test_what_was_not_changed_is_not_written(tmp_path: Path, kept: Backups) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x")
    number = file.stat().st_ino
    kept.remember(str(file))
    kept.put_back()
    assert file.stat().st_ino == number
    assert kept.written == {}


def test_each_execution_is_undone_to_what_was_there_at_first(tmp_path: Path, kept: Backups) -> None:
    file = tmp_path / "file"
    for _ in range(3):
        kept.remember(str(file))
        assert not file.exists()
        file.write_text("x")
        kept.put_back()
    assert not file.exists()


def test_a_file_that_is_too_large_is_left_and_told(
    tmp_path: Path, kept: Backups, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backups, "LARGEST", 3)
    file = tmp_path / "file"
    file.write_bytes(b"large")
    kept.remember(str(file))
    file.write_bytes(b"changed")
    kept.put_back()
    assert file.read_bytes() == b"changed"
    assert kept.lost == {str(file): "it is too large"}


def test_a_new_directory_with_files_of_others_is_left_and_told(
    tmp_path: Path, kept: Backups
) -> None:
    kept.remember(str(tmp_path / "new"))
    (tmp_path / "new").mkdir()
    (tmp_path / "new/of_others").write_text("x")
    kept.put_back()
    assert (tmp_path / "new/of_others").read_text() == "x"
    assert list(kept.lost) == [str(tmp_path / "new")]


@posix
def test_devices_and_pipes_are_no_files(tmp_path: Path, kept: Backups) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (os.devnull, str(tmp_path / "pipe")):
        kept.remember(path)
    kept.put_back()
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    assert (kept.written, kept.lost) == ({}, {})


def test_a_listing_tells_new_and_changed_files(tmp_path: Path) -> None:
    (tmp_path / "same").write_text("x")
    (tmp_path / "longer").write_text("x")
    listing = Listing(str(tmp_path))
    assert listing.changed() == []
    (tmp_path / "new").write_text("x")
    (tmp_path / "longer").write_text("xyz")
    assert [Path(path).name for path in listing.changed()] == ["longer", "new"]
    assert Listing(str(tmp_path / "missing")).changed() == []

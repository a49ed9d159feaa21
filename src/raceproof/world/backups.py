"""Files as they were before the program touched them, and putting them back.

Each execution has to find what the first one found, and after the last one the user finds it too:
what was there is put back, what was not is removed.  Nothing is ever left worse than the program
itself would have left it.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from os import lstat, mkdir, readlink, remove, replace, rmdir, scandir, symlink, utime
from typing import Final

LARGEST: Final = 32 * 2**20
"""Bytes of the largest file that is kept in order to be put back."""
ALL_TOGETHER: Final = 256 * 2**20
"""Bytes that are kept for all files together."""

_open: Final = open


@dataclass(slots=True)
class Original:
    """What was at a path at first."""

    status: os.stat_result | None
    """None: nothing was there."""
    content: bytes = b""
    """Of a regular file."""
    target: str = ""
    """Of a symbolic link."""

    def is_as_before(self, now: os.stat_result | None) -> bool:
        """Whether a file has not been changed since."""
        before = self.status
        if before is None or now is None:
            return before is now
        if stat.S_ISDIR(before.st_mode):
            return before.st_mode == now.st_mode
        return (before.st_ino, before.st_size, before.st_mtime_ns, before.st_mode) == (
            now.st_ino, now.st_size, now.st_mtime_ns, now.st_mode
        )  # fmt: skip


class Backups:
    """All that an exploration has to put back."""

    def __init__(self) -> None:
        self._originals: dict[str, Original] = {}
        self.touched: dict[str, None] = {}
        """The paths that the execution under way may have changed."""
        self._size = 0
        self.written: dict[str, None] = {}
        """The files that were ever there after an execution and had not been so before."""
        self.lost: dict[str, str] = {}
        """Path -> why it cannot be put back."""

    def remember(self, path: str) -> None:
        """The program is about to change what is at `path` (absolute, with no links in it)."""
        self.touched[path] = None
        if path in self._originals or path in self.lost:
            return
        try:
            original = self._original(path)
        except OSError as error:
            self.lost[path] = error.strerror or str(error)
        else:
            if original is not None:
                self._originals[path] = original

    def _original(self, path: str) -> Original | None:
        """What was at `path` at first; None for what is no file (a device, a pipe)."""
        directory = self._originals.get(os.path.dirname(path))
        if directory is not None and directory.status is None:
            # Whoever has put it there, another process say, came after the directory.
            return Original(None)
        status = _status(path)
        if status is None or stat.S_ISDIR(status.st_mode):
            return Original(status)
        if stat.S_ISLNK(status.st_mode):
            return Original(status, target=readlink(path))
        if not stat.S_ISREG(status.st_mode):
            return None
        if status.st_size > LARGEST or self._size + status.st_size > ALL_TOGETHER:
            raise OSError("it is too large")
        with _open(path, "rb") as stream:
            content = stream.read()
        self._size += len(content)
        return Original(status, content)

    def put_back(self) -> None:
        """The execution is over: undo what it did to files."""
        touched, self.touched = sorted(self.touched), {}
        originals = [(path, self._originals[path]) for path in touched if path in self._originals]
        for path, original in originals:  # what contains others first
            if original.status is not None and stat.S_ISDIR(original.status.st_mode):
                self._attempt(path, original)
        for path, original in reversed(originals):
            self._attempt(path, original)

    def _attempt(self, path: str, original: Original) -> None:
        try:
            now = _status(path)
            if original.is_as_before(now):
                return
            self.written[path] = None
            _restore(path, original, now)
        except OSError as error:
            self.lost[path] = error.strerror or str(error)
            self._originals.pop(path, None)


def _status(path: str) -> os.stat_result | None:
    try:
        return lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _restore(path: str, original: Original, now: os.stat_result | None) -> None:
    before = original.status
    if before is not None and stat.S_ISDIR(before.st_mode):
        if now is not None and not stat.S_ISDIR(now.st_mode):
            remove(path)
            now = None
        if now is None:
            mkdir(path)
        os.chmod(path, stat.S_IMODE(before.st_mode))
        return
    if now is not None and stat.S_ISDIR(now.st_mode):
        rmdir(path)
        now = None
    if before is None:
        if now is not None:
            remove(path)
    elif stat.S_ISLNK(before.st_mode):
        if now is not None:
            remove(path)
        symlink(original.target, path)
    else:
        _write(path, original, before)


def _write(path: str, original: Original, before: os.stat_result) -> None:
    """Put a regular file in place at once, so that it is never there in part.

    Who still has the present one open, and writes to it, does not spoil the new one.
    """
    directory, name = os.path.split(path)
    if before.st_nlink > 1:
        draft = path  # it has other names, and must stay the same file
    else:
        draft = os.path.join(directory, f".{name}.{os.getpid()}.raceproof")
    with _open(draft, "wb") as stream:
        stream.write(original.content)
    os.chmod(draft, stat.S_IMODE(before.st_mode))
    if hasattr(os, "chown") and hasattr(os, "geteuid") and os.geteuid() == 0:
        os.chown(draft, before.st_uid, before.st_gid)
    utime(draft, ns=(before.st_atime_ns, before.st_mtime_ns))
    if draft != path:
        replace(draft, path)
    # It may have another number now; all else that tells whether it is changed is as it was.
    original.status = lstat(path)


class Listing:
    """What a directory contains, to notice files that were written past the simulation."""

    LONGEST: Final = 2_000

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._before = self._look()

    def _look(self) -> dict[str, tuple[int, int]] | None:
        """Regular files with what changes when they are written; None if there are too many."""
        found: dict[str, tuple[int, int]] = {}
        try:
            with scandir(self._directory) as entries:
                for entry in entries:
                    if len(found) > self.LONGEST:
                        return None
                    status = entry.stat(follow_symlinks=False)
                    if stat.S_ISREG(status.st_mode):
                        found[entry.path] = (status.st_mtime_ns, status.st_size)
        except OSError:
            return None
        return found

    def changed(self) -> list[str]:
        """The files that are new or were written since."""
        before, now = self._before, self._look()
        if before is None or now is None:
            return []
        return sorted(path for path, what in now.items() if before.get(path) != what)

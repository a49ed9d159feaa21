"""Rewritten code on disk, so that a module is rewritten once and not at every start of raceproof.

An entry is found by all that its code depends on, so there are no stale ones.  Whatever is wrong
with the directory or an entry costs time and nothing else: then the module is rewritten again.
"""

from __future__ import annotations

import functools
import hashlib
import marshal
import os
import stat
import sys
import types
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from time import time
from typing import Any, Final

from raceproof.events import Loop, Site

SUFFIX: Final = ".code"
MOST_BYTES: Final = 256 << 20
"""How large the directory may become; then the entries that were not used for longest go."""
KEPT_BYTES: Final = MOST_BYTES * 3 // 4
USED_LATELY: Final = 24 * 3600.0
"""Seconds within which an entry need not be marked as used once more."""
_DIGEST_SIZE: Final = hashlib.sha256().digest_size
_STORED: Final = (
    "kind", "line", "function", "name", "text", "store", "rmw", "column", "end_line", "end_column",
    "targets",
)  # fmt: skip
"""The fields of a site that are written down, besides its loop; its file and module are those of
the entry."""

# The program under test may give other meanings to these names, or have them simulated.
_open, _close, _read, _write, _fstat = os.open, os.close, os.read, os.write, os.fstat
_replace, _unlink, _utime, _lstat, _getpid = os.replace, os.unlink, os.utime, os.lstat, os.getpid
_scandir, _makedirs = os.scandir, os.makedirs
_effective_user: Final = getattr(os, "geteuid", None)


@dataclass(frozen=True, slots=True)
class Entry:
    """A rewritten module as it was compiled, with provisional site numbers."""

    code: types.CodeType
    sites: list[Site]
    answers: dict[str, bool]
    """The modules that the rewriter asked about, and whether they are watched."""


def default_directory(environment: Mapping[str, str] = os.environ) -> str | None:
    """Where rewritten code is kept: `RACEPROOF_CACHE`, or the place for such things."""
    explicit = environment.get("RACEPROOF_CACHE")
    if explicit:
        return os.path.abspath(os.path.expanduser(explicit))
    home = os.path.expanduser("~")
    if sys.platform == "win32":
        base = environment.get("LOCALAPPDATA") or os.path.join(home, "AppData", "Local")
    elif sys.platform == "darwin":
        base = os.path.join(home, "Library", "Caches")
    else:
        base = environment.get("XDG_CACHE_HOME", "")
        if not os.path.isabs(base):
            base = os.path.join(home, ".cache")
    # Without a home directory, "~" stays as it is.
    return os.path.join(base, "raceproof") if os.path.isabs(base) else None


def usual_cache(settings: Iterable[str] = ()) -> CodeCache | None:
    """The cache in the usual place, None if there can be none."""
    directory = default_directory()
    if directory is None:
        return None
    try:
        return CodeCache(directory, settings)
    except OSError:
        return None


class CodeCache:
    """The entries in one directory, for one way of watching."""

    def __init__(self, directory: str, settings: Iterable[str] = ()) -> None:
        """`settings` is what the code depends on besides source, interpreter and raceproof."""
        self.directory = directory
        self._settings = (*_circumstances(), *settings)
        self._stored = False
        self._usable: bool | None = None

    def key(self, source_digest: bytes, file: str, module: str) -> str:
        """The name of the entry for a source."""
        parts = [*self._settings, source_digest.hex(), file, module]
        digest = hashlib.sha256()
        for part in parts:
            encoded = part.encode("utf-8", "surrogatepass")
            digest.update(b"%d:%s" % (len(encoded), encoded))
        return digest.hexdigest()

    def load(self, key: str, file: str, module: str) -> Entry | None:
        """The entry of this name, if it is there and can be trusted."""
        path = os.path.join(self.directory, key + SUFFIX)
        try:
            if not self._is_usable():
                return None
            content = _content(path)
            if content is None:
                return None
            digest, payload = content[:_DIGEST_SIZE], content[_DIGEST_SIZE:]
            if digest != _digest(key, payload):
                return None
            code, rows, answers = marshal.loads(payload)
            sites = [_site(row, file, module) for row in rows]
            return Entry(code, sites, answers)
        except (OSError, ValueError, EOFError, TypeError):
            return None

    def store(self, key: str, entry: Entry) -> None:
        """Keep an entry, if that is possible."""
        rows = [
            (
                *(getattr(site, name) for name in _STORED),
                None if site.loop is None else astuple(site.loop),
            )
            for site in entry.sites
        ]
        payload = marshal.dumps((entry.code, rows, entry.answers))
        path = os.path.join(self.directory, key + SUFFIX)
        temporary = f"{path}.{_getpid()}"
        try:
            _makedirs(self.directory, mode=0o700, exist_ok=True)
            self._usable = None
            if not self._is_usable():
                return
            handle = _open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o600)
        except OSError:
            return
        try:
            try:
                _write_all(handle, _digest(key, payload) + payload)
            finally:
                _close(handle)
            _replace(temporary, path)
            self._stored = True
        except OSError:
            _remove(temporary)

    def close(self) -> None:
        """Nothing more will be stored: keep the directory within its bounds."""
        if self._stored:
            self._stored = False
            prune(self.directory)

    def _is_usable(self) -> bool:
        if self._usable is None:
            try:
                found = _lstat(self.directory)
            except OSError:
                return False
            self._usable = stat.S_ISDIR(found.st_mode) and _is_ours(found)
        return self._usable


def prune(directory: str, most: int = MOST_BYTES, kept: int = KEPT_BYTES) -> None:
    """Remove what was not used for longest from a directory of more than `most` bytes."""
    found: list[tuple[float, int, str]] = []
    try:
        with _scandir(directory) as entries:
            for entry in entries:
                if SUFFIX in entry.name and entry.is_file(follow_symlinks=False):
                    facts = entry.stat(follow_symlinks=False)
                    found.append((facts.st_mtime, facts.st_size, entry.path))
    except OSError:
        return
    total = sum(size for _, size, _ in found)
    if total <= most:
        return
    for _, size, path in sorted(found):
        if total <= kept:
            break
        _remove(path)
        total -= size


_BINARY: Final = getattr(os, "O_BINARY", 0)
_NO_LINKS: Final = getattr(os, "O_NOFOLLOW", 0)


@functools.cache
def _circumstances() -> tuple[str, ...]:
    """What all code depends on: the interpreter, and raceproof's own rewriter.

    Raises OSError if the files of the rewriter are not at hand.
    """
    return (
        sys.implementation.name,
        sys.version,
        MAGIC_NUMBER.hex(),
        str(sys.flags.optimize),
        _own_digest(),
    )


def _own_digest() -> str:
    """Changes with everything that decides how code is rewritten and stored."""
    digest = hashlib.sha256()
    here = Path(__file__).resolve().parent
    files = [*(here / "rewriting").iterdir(), *here.glob("relocation.*"), *here.glob("cache.*")]
    files += here.parent.glob("events.*")
    for file in sorted(files):
        if file.suffix in (".py", ".pyc"):
            digest.update(file.read_bytes())
    return digest.hexdigest()


def _digest(key: str, payload: bytes) -> bytes:
    return hashlib.sha256(key.encode() + payload).digest()


def _site(row: tuple[Any, ...], file: str, module: str) -> Site:
    kind, line, function, name, text, store, rmw, column, end_line, end_column, targets, loop = row
    return Site(
        kind, file, line, function, name, text, store, rmw, column, end_line, end_column, module,
        targets, None if loop is None else Loop(*loop),
    )  # fmt: skip


def _content(path: str) -> bytes | None:
    """The content of a file that nobody else can have written."""
    handle = _open(path, os.O_RDONLY | _NO_LINKS | _BINARY)
    try:
        found = _fstat(handle)
        if not stat.S_ISREG(found.st_mode) or not _is_ours(found):
            return None
        parts = []
        while part := _read(handle, 1 << 20):
            parts.append(part)
    finally:
        _close(handle)
    now = time()
    if not now - USED_LATELY < found.st_mtime <= now:
        try:
            _utime(path)
        except OSError:
            pass  # a directory that may only be read
    return b"".join(parts)


def _is_ours(found: os.stat_result) -> bool:
    """Whether nobody but the user can have written it (where that can be told)."""
    if _effective_user is None:
        return True
    return bool(found.st_uid == _effective_user()) and not found.st_mode & 0o022


def _write_all(handle: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[_write(handle, rest) :]


def _remove(path: str) -> None:
    try:
        _unlink(path)
    except OSError:
        pass  # somebody else was quicker

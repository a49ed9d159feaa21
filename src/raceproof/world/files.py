"""The file system: what threads do to files can be a race, and must not outlast an execution.

Opening, looking for, making, moving and removing are single steps.  They are announced for the
files that the program writes while it has threads (which is known from the second execution on);
what was there before is remembered, and put back after each execution.
"""

from __future__ import annotations

import builtins
import functools
import io
import os
import weakref
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType
from typing import Any, Final

from raceproof.events import READ, UPDATE, WRITE, Access, Attribute, Location, Mode, Operation
from raceproof.world.backups import Backups
from raceproof.world.exits import inside
from raceproof.world.scheduler import machine
from raceproof.world.unwatched import announce_as_met, data_operation

WRITING_FLAGS: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
Uses = list[tuple[str, Mode]]
"""Paths, and how an operation uses what is there."""

EVERY_ENTRY: Final = os.sep + "*"

_open: Final = io.open
_exists: Final = os.path.lexists
_real_path: Final = os.path.realpath


class Files:
    """The functions that programs reach files with, for one exploration."""

    def __init__(self) -> None:
        self.backups = Backups()
        self._streams: list[weakref.ref[Any]] = []
        """What the execution under way has open for writing."""
        self._busy = False
        """One of the functions is working already, and uses others."""
        self._opened: Any = None
        self._functions: dict[str, Any] = {}
        self._undo: list[Callable[[], None]] = []

    def replacements(self) -> Iterator[tuple[ModuleType, dict[str, Any]]]:
        """The functions that are replaced, by module."""
        if not self._opened:
            self._opened = self._wrapped(_open, self._to_open)
            self._functions = dict(self._replace())
        yield io, {"open": self._opened}
        yield builtins, {"open": self._opened}
        yield os, self._functions

    def _replace(self) -> Iterator[tuple[str, Any]]:
        plans: dict[str, Callable[..., Uses]] = {
            "open": self._to_open_descriptor,
            "stat": self._to_look, "lstat": self._to_look_at_link, "access": self._to_look,
            "listdir": self._to_list, "scandir": self._to_list,
            "mkdir": self._to_make, "rmdir": self._to_remove,
            "remove": self._to_remove, "unlink": self._to_remove,
            "rename": self._to_move, "replace": self._to_move,
            "link": self._to_link, "symlink": self._to_link,
            "truncate": self._to_change, "chmod": self._to_change, "utime": self._to_change,
        }  # fmt: skip
        for name, plan in plans.items():
            if hasattr(os, name):
                yield name, self._wrapped(getattr(os, name), plan)

    def end_execution(self) -> None:
        """Everything is as it was before, but for what cannot be put back."""
        if not self.backups.touched:
            return
        for reference in self._streams:
            stream = reference()
            if stream is not None and not stream.closed:
                try:
                    stream.flush()  # as at the end of the process; later it would be too late
                except (OSError, ValueError):
                    pass  # it will not be missed
        self._streams.clear()
        self.backups.put_back()

    def restore(self) -> None:
        """The exploration is over."""
        while self._undo:
            self._undo.pop()()

    # -- replacing -------------------------------------------------------------------------------

    def _wrapped(self, original: Callable[..., Any], plan: Callable[..., Uses]) -> Any:
        is_open = original is _open

        @functools.wraps(original)
        def call(*args: Any, **kwargs: Any) -> Any:
            if self._busy or not inside() or machine.end:
                return original(*args, **kwargs)
            changes = self._prepare(
                f"{original.__name__} file", functools.partial(plan, *args, **kwargs)
            )
            result = original(*args, **kwargs)
            if changes and is_open:
                self._streams.append(weakref.ref(result))
            return result

        for group in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
            if original in group:
                group.add(call)
                self._undo.append(functools.partial(group.discard, call))
        return call

    def _prepare(self, kind: str, plan: Callable[[], Uses]) -> bool:
        """Announce a call, and remember what it may change; whether it may change anything."""
        uses = self._uses(plan)
        if machine.watching:
            for path, mode in uses:
                if mode != READ:
                    machine.learn(insight(path))
            known = machine.insights
            if any(insight(path) in known for path, _ in uses):
                latest = uses

                def as_met() -> Operation:
                    nonlocal latest
                    latest = self._uses(plan) or latest
                    seen = [use for use in latest if insight(use[0]) in known]
                    return _operation(kind, seen or latest)

                announce_as_met(as_met)
                uses = latest
        changed = [path for path, mode in uses if mode != READ]
        for path in changed:
            if not path.endswith(EVERY_ENTRY):
                self.backups.remember(path)
        return bool(changed)

    def _uses(self, plan: Callable[[], Uses]) -> Uses:
        self._busy = True  # looking at files is not what the program does
        try:
            return plan()
        except (TypeError, ValueError, OSError):
            return []  # the function itself will have something to say about that
        finally:
            self._busy = False

    # -- what the functions do -------------------------------------------------------------------

    def _to_open(self, file: Any, mode: str = "r", *_: Any, **__: Any) -> Uses:
        if isinstance(file, int):
            return []
        path = resolved(file)
        if "a" in mode:
            # Who comes first is no result, as long as nobody reads it.
            return _changing(path, UPDATE)
        return _changing(path, WRITE) if set(mode) & set("wx+") else [(path, READ)]

    def _to_open_descriptor(
        self, path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None
    ) -> Uses:
        found = resolved(path, dir_fd)
        if not flags & WRITING_FLAGS:
            return [(found, READ)]
        return _changing(found, UPDATE if flags & os.O_APPEND else WRITE)

    def _to_look(self, path: Any, *_: Any, dir_fd: int | None = None, **__: Any) -> Uses:
        if not machine.insights or isinstance(path, int):
            return []
        return [(resolved(path, dir_fd), READ)]

    def _to_look_at_link(self, path: Any, *, dir_fd: int | None = None) -> Uses:
        return [(resolved(path, dir_fd, link=True), READ)] if machine.insights else []

    def _to_list(self, path: Any = ".") -> Uses:
        if not machine.insights or isinstance(path, int) or path is None:
            return []
        found = resolved(path)
        return [(found, READ), (entries_of(found), READ)]

    def _to_make(self, path: Any, mode: int = 0o777, *, dir_fd: int | None = None) -> Uses:
        return _changing(resolved(path, dir_fd, link=True), WRITE, there=READ)

    def _to_remove(self, path: Any, *, dir_fd: int | None = None) -> Uses:
        return _changing(resolved(path, dir_fd, link=True), WRITE, missing=READ)

    def _to_move(
        self, src: Any, dst: Any, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None
    ) -> Uses:
        source = resolved(src, src_dir_fd, link=True)
        target = resolved(dst, dst_dir_fd, link=True)
        uses = [*_changing(source, WRITE, missing=READ), *_changing(target, WRITE)]
        for path in _inside(source):
            uses += [(path, WRITE), (target + path[len(source) :], WRITE)]
        return uses

    def _to_link(
        self, src: Any, dst: Any, *_: Any, dst_dir_fd: int | None = None,
        dir_fd: int | None = None, **__: Any,
    ) -> Uses:  # fmt: skip
        directory = dst_dir_fd if dir_fd is None else dir_fd
        return _changing(resolved(dst, directory, link=True), WRITE, there=READ)

    def _to_change(self, path: Any, *_: Any, dir_fd: int | None = None, **__: Any) -> Uses:
        if isinstance(path, int):
            return []
        return [(resolved(path, dir_fd), WRITE)]


def insight(path: str) -> str:
    """What is learnt about a file that is written while there are threads."""
    return f"file {path}"


def entries_of(directory: str) -> str:
    """Stands for the names in a directory, which others may add to."""
    return directory + EVERY_ENTRY


def resolved(path: Any, dir_fd: int | None = None, link: bool = False) -> str:
    """The one name of a file; with `link`, of the link itself if it is one."""
    name = os.fsdecode(path)
    if dir_fd is not None and not os.path.isabs(name):
        name = os.path.join(os.readlink(f"/proc/self/fd/{dir_fd}"), name)
    if not link:
        return _real_path(name)
    directory, last = os.path.split(name.rstrip(os.sep) or name)
    return os.path.join(_real_path(directory or os.curdir), last)


def _changing(path: str, mode: Mode, there: Mode = WRITE, missing: Mode = WRITE) -> Uses:
    """Uses of a path that is made, removed or written; `there`, `missing`: if it is, or is not."""
    present = _exists(path)
    if (there if present else missing) == READ:
        return [(path, READ)]
    entries = (entries_of(os.path.dirname(path)), UPDATE)
    if present and missing != READ:
        return [(path, mode)]
    return [(path, mode), entries]


def _inside(directory: str) -> Iterable[str]:
    """All that is below a directory that moves."""
    if os.path.islink(directory) or not os.path.isdir(directory):
        return
    for root, directories, files in os.walk(directory):
        for name in (*directories, *files):
            yield os.path.join(root, name)


def _operation(kind: str, uses: Uses) -> Operation:
    accesses: tuple[Access, ...] = tuple((_place(path), mode) for path, mode in uses)
    return data_operation(accesses[0][0].owner, kind, accesses)


def _place(path: str) -> Location:
    return machine.naming.object(("file", path), "").location(Attribute(_shown(path)))


def _shown(path: str) -> str:
    """What reports call a file, or the files in a directory."""
    if path.endswith(EVERY_ENTRY):
        directory = path.removesuffix(EVERY_ENTRY) or os.sep
        if directory == os.getcwd():
            return "the files in the current directory"
        return f"the files in {_shown(directory)}"
    shown = os.path.relpath(path)
    return f"'{path if len(shown) > len(path) else shown}'"

"""Interleavings in files: written so that they survive edits elsewhere and other versions.

What is kept is the order in which the threads performed their operations: each block says which
thread (by its path), how many operations, and what the operation after the block was going to be.
Line numbers, ids and bytecode offsets do not occur.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from raceproof.events import Operation, ThreadId
from raceproof.search.minimize import blocks_of
from raceproof.world.naming import Naming

VERSION = 1


class UnusableReplay(Exception):
    """The file is not a replay file, or not one that this version understands."""


@dataclass(slots=True)
class Recording:
    """A replay file."""

    script: str | None
    """Path of the program, relative to the working directory it was recorded in."""
    module: str | None
    arguments: list[str]
    options: dict[str, Any]
    """What bears on the execution: include, exclude, seed, timeouts."""
    python: str
    kind: str
    """The kind of the finding, and what identifies it."""
    message: str
    signature: list[str]
    schedule: list[tuple[list[int], int]]
    """(thread path, number of operations), in order."""
    outcome: dict[str, list[str]] = field(default_factory=dict)
    """What the interleaving came to: exit, lines, errors."""
    operations: list[str] = field(default_factory=list)
    """The last operation of each block, for people who read the file."""
    function: str = ""
    """`module:name` of the function that was explored, if it was one."""
    test: str = ""
    """Node id of the test that was explored, if it was one."""
    version: int = VERSION

    def script_for(self, naming: Naming) -> list[ThreadId]:
        """The schedule in terms of thread indices."""
        return [
            naming.thread_id(tuple(path)) for path, count in self.schedule for _ in range(count)
        ]


def schedule_of(
    threads: Sequence[ThreadId], operations: Sequence[Operation], naming: Naming
) -> tuple[list[tuple[list[int], int]], list[str]]:
    """The schedule of an execution in the form of `Recording`."""
    schedule: list[tuple[list[int], int]] = []
    last: list[str] = []
    position = 0
    for thread, count in blocks_of(list(threads)):
        position += count
        schedule.append((list(naming.paths[thread]), count))
        operation = operations[position - 1]
        last.append(f"{operation.kind} {operation.accesses[0][0].label}".strip())
    return schedule, last


def save(recording: Recording, directory: str, stem: str, number: int) -> str:
    """Write a recording; returns its path.  Raises OSError if that cannot be done."""
    os.makedirs(directory, exist_ok=True)
    path = os.path.join(directory, f"{stem}-{number}.json")
    with open(path, "w", encoding="utf-8") as stream:
        json.dump(asdict(recording), stream, indent=1)
        stream.write("\n")
    return path


def load(path: str) -> Recording:
    """Read a recording.  Raises OSError, and `UnusableReplay` for a file of another kind."""
    with open(path, encoding="utf-8") as stream:
        try:
            data = json.load(stream)
        except (ValueError, UnicodeDecodeError) as error:
            raise UnusableReplay(f"{path} is not a replay file: {error}") from None
    return recording_from(data, path)


def recording_from(data: Any, path: str) -> Recording:
    """A recording from JSON data that was found in `path`.  Raises `UnusableReplay`."""
    if not isinstance(data, dict) or "schedule" not in data:
        raise UnusableReplay(f"{path} is not a replay file")
    if data.get("version") != VERSION:
        raise UnusableReplay(
            f"{path} has version {data.get('version')!r}; this raceproof reads version {VERSION}"
        )
    try:
        data["schedule"] = [
            ([int(part) for part in thread], int(count)) for thread, count in data["schedule"]
        ]
        return Recording(**data)
    except (TypeError, ValueError) as error:
        raise UnusableReplay(f"{path} is damaged: {error}") from None

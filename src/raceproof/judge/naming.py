"""What the program calls its locks, events and queues: the variable that holds them.

A primitive has no name of its own; a report that says `Lock` where there are five helps nobody.  So
where one is used, the variables at hand are looked through for it.
"""

from __future__ import annotations

import re
import types
from collections.abc import Container, Iterable, Iterator, Mapping
from typing import Any, Final

from raceproof.events import Location, Operation, SharedObject, WholeObject
from raceproof.judge.findings import Place
from raceproof.judge.values import namespace, short

MOST_ELEMENTS: Final = 100
"""Elements of a container in which a primitive is looked for."""
OURS: Final = "_rp_"
"""Beginning of names that are not the program's."""

_MANGLED: Final = re.compile(r"(?<=\.)_[A-Za-z0-9]+(?=__[A-Za-z])")
"""What the compiler puts before the names of private attributes."""
_ASSIGNED: Final = re.compile(r"^\s*([A-Za-z_][\w.]*)(?:\s*:\s*[^=]+)?\s*=[^=]")


class PrimitiveNames:
    """The names that are known so far, and where primitives were made."""

    def __init__(self, watched: Container[str]) -> None:
        self.made: dict[SharedObject, Place] = {}
        self._watched = watched
        self._names: dict[SharedObject, str] = {}
        self._searched: set[tuple[SharedObject, types.CodeType]] = set()

    def learn(self, operation: Operation, subject: Any, frame: types.FrameType | None) -> None:
        """An operation uses the primitive `subject`; `frame` is where from."""
        shared = operation.accesses[0][0].owner
        if shared not in self._names and subject is not None and shared.label != "thread":
            while frame is not None and frame.f_code.co_filename not in self._watched:
                frame = frame.f_back
            if frame is not None and (shared, frame.f_code) not in self._searched:
                self._searched.add((shared, frame.f_code))
                for name in _expressions_for(subject, frame):
                    self._call_it(shared, name)
                    break
        if shared.label == "Condition" and shared in self._names:
            # The lock that a condition has made for itself goes by the name of the condition.
            for location, _ in operation.accesses[1:]:
                self._names.setdefault(location.owner, self._names[shared])

    def of(self, location: Location) -> str:
        """What to call a place: a primitive goes by its variable, else by where it was made."""
        shared = location.owner
        if shared in self._names:
            return self._names[shared]
        made = self.made.get(shared)
        if made is None or not isinstance(location.field, WholeObject):
            return _MANGLED.sub("", location.label)
        name = _assigned(made.text, shared.label)
        return name or f"{shared.label} made at line {made.line}"

    def _call_it(self, shared: SharedObject, name: str) -> None:
        """Give a name, with a number if another object has it too."""
        others = [known for known, its in self._names.items() if its.partition(" #")[0] == name]
        if len(others) == 1:
            self._names[others[0]] = f"{name} #1"
        self._names[shared] = f"{name} #{len(others) + 1}" if others else name


def _assigned(text: str, label: str) -> str:
    """What a line that makes a primitive assigns it to; empty if that is not clear."""
    statements = text.split(";")
    if len(statements) > 1:
        # A condition makes its lock itself, so the line need not say so.
        makers = (label, "Condition") if label in ("Lock", "RLock") else (label,)
        made = ([one for one in statements if f"{maker}(" in one] for maker in makers)
        statements = next(filter(None, made), [])
    match = _ASSIGNED.match(statements[0]) if len(statements) == 1 else None
    return match.group(1) if match else ""


def _expressions_for(subject: Any, frame: types.FrameType) -> Iterator[str]:
    """Expressions that give `subject`, the best first: what is the same everywhere, then what is
    so in one function only."""
    variables = [(name, value) for name, value in frame.f_globals.items() if _is_plain(name)]
    local = [(name, value) for name, value in frame.f_locals.items() if _is_plain(name)]
    attributes = [
        (f"{_class_of(owner).__name__}.{name}", value)
        for _, owner in local
        for name, value in _attributes(owner).items()
    ]
    for choice in (variables, attributes):
        yield from (name for name, value in choice if value is subject)
    for choice in (variables, attributes):
        yield from _in_containers(choice, subject)
    yield from (name for name, value in local if value is subject)


def _in_containers(choice: Iterable[tuple[str, Any]], subject: Any) -> Iterator[str]:
    for name, value in choice:
        tp = type(value)
        if tp in (list, tuple) and len(value) <= MOST_ELEMENTS:
            yield from (f"{name}[{i}]" for i, inner in enumerate(value) if inner is subject)
        elif tp is dict and len(value) <= MOST_ELEMENTS:
            yield from (f"{name}[{short(k)}]" for k, inner in value.items() if inner is subject)


def _is_plain(name: str) -> bool:
    return not name.startswith((OURS, "__"))


def _class_of(value: Any) -> type:
    found: type = value if issubclass(type(value), type) else type(value)
    return found


def _attributes(value: Any) -> Mapping[str, Any]:
    """What is worth naming after its owner: not the inside of a module or of a primitive."""
    tp = type(value)
    if tp is types.ModuleType or tp.__module__.partition(".")[0] in ("raceproof", "threading"):
        return {}
    return namespace(value)

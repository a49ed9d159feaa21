"""What modules keep between calls is found, and put back as it was."""

from __future__ import annotations

import functools
import threading
from collections import Counter, OrderedDict, defaultdict, deque
from dataclasses import dataclass, field
from typing import Any

import pytest

from raceproof.world.belongings import Belongings, Globals, Root


class Plain:
    shared: Any = None

    def __init__(self, value: Any) -> None:
        self.value = value


class Slotted:
    __slots__ = ("empty", "value")

    def __init__(self, value: Any) -> None:
        self.value = value


def keep(**namespace: Any) -> Belongings:
    return Belongings([Root("app", Globals(namespace))], lambda module: module == __name__)


def changed(belongings: Belongings) -> list[str]:
    belongings.restore()
    return list(belongings.changed)


def test_globals() -> None:
    namespace = {"number": 1, "text": "a"}
    belongings = Belongings([Root("app", Globals(namespace))], lambda module: False)
    namespace["number"] = 2
    namespace["new"] = 3
    del namespace["text"]
    assert changed(belongings) == ["app"]
    assert namespace == {"number": 1, "text": "a"}


@pytest.mark.parametrize(
    ("container", "change"),
    [
        ([1, 2], lambda c: c.append(3)),
        ([1, 2], lambda c: c.reverse()),
        ({"a": 1}, lambda c: c.update(b=2)),
        ({"a": 1, "b": 1}, lambda c: c.update(a=c.pop("a"))),
        (OrderedDict(a=1, b=2), lambda c: c.move_to_end("a")),
        (defaultdict(list), lambda c: c["a"].append(1)),
        (Counter("ab"), lambda c: c.update("a")),
        (deque([1], maxlen=3), lambda c: c.extend([2, 3, 4])),
        ({1, 2}, lambda c: c.discard(1)),
        (bytearray(b"ab"), lambda c: c.extend(b"c")),
        ([[1]], lambda c: c[0].clear()),
        (([1],), lambda c: c[0].append(2)),
        (functools.partial(print, [1]), lambda c: c.args[0].append(2)),
    ],
)
def test_containers(container: Any, change: Any) -> None:
    before = repr(container)
    belongings = keep(box=container)
    change(container)
    assert repr(container) != before
    assert changed(belongings) == ["app.box"]
    assert repr(container) == before
    belongings.changed.clear()
    assert changed(belongings) == []


def test_objects_and_their_slots() -> None:
    plain, slotted = Plain(1), Slotted(1)
    belongings = keep(plain=plain, slotted=slotted)
    plain.value = slotted.value = 2
    plain.more = slotted.empty = 3  # type: ignore[attr-defined]
    assert sorted(changed(belongings)) == [
        "app.plain", "app.slotted.empty", "app.slotted.value"
    ]  # fmt: skip
    assert not hasattr(slotted, "empty")
    assert (plain.__dict__, slotted.value) == ({"value": 1}, 1)


def test_classes() -> None:
    belongings = keep(Plain=Plain)
    Plain.shared = [1]
    Plain.added = 2  # type: ignore[attr-defined]
    assert changed(belongings) == [f"{__name__}.Plain"]
    assert Plain.shared is None
    assert not hasattr(Plain, "added")


def test_closures_and_defaults() -> None:
    def counting() -> Any:
        count = 0

        def step(seen: list[int] = []) -> int:  # noqa: B006
            nonlocal count
            count += 1
            seen.append(count)
            return len(seen)

        return step

    step = counting()
    belongings = keep(step=step)
    assert [step(), step()] == [1, 2]
    belongings.restore()
    assert step() == 1


def test_foreign_classes_are_left_alone() -> None:
    belongings = keep(kind=threading.Thread)
    threading.Thread.mark = 1  # type: ignore[attr-defined]
    try:
        assert changed(belongings) == []
    finally:
        del threading.Thread.mark  # type: ignore[attr-defined]


@dataclass
class Box:
    lock: Any = field(default_factory=threading.Lock)


def test_primitives_are_renewed_wherever_they_are() -> None:
    lock = threading.Lock()
    condition = threading.Condition(lock)
    box, values = Box(), [threading.Event()]
    namespace = {"lock": lock, "condition": condition, "box": box, "values": values}
    belongings = Belongings([Root("app", Globals(namespace))], lambda module: True)
    old = box.lock, values[0]
    belongings.renew()
    assert namespace["lock"] is not lock
    assert namespace["condition"]._lock is namespace["lock"]  # type: ignore[union-attr]
    assert box.lock is not old[0]
    assert values[0] is not old[1]
    assert changed(belongings) == []
    assert namespace["lock"] is lock
    assert (box.lock, values[0]) == old

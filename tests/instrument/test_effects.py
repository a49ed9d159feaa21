"""What operations on containers touch; those whose footprints do not conflict commute."""

from __future__ import annotations

import array
import enum
import gc
import io
import itertools
import weakref
from collections import ChainMap, Counter, OrderedDict, UserDict, UserList, defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raceproof.events import ANY, READ, SIZE, STATE, UPDATE, WHOLE, WRITE
from raceproof.instrument import effects
from raceproof.instrument.effects import ByIdentity, EnumMember, Footprint

WHOLE_READ = (WHOLE, READ)
MEASURED = {(SIZE, READ), WHOLE_READ}
EVERYTHING = {(SIZE, READ), (ANY, READ), WHOLE_READ}
UPHEAVAL = {(WHOLE, WRITE)}


def call(obj: Any, method: str, *args: Any, more: bool = False) -> set[Any] | None:
    footprint = effects.method_effects(obj, method, args, more)
    return None if footprint is None else set(footprint)


def pairs(footprint: Footprint | None) -> set[Any]:
    assert footprint is not None
    return set(footprint)


class Color(enum.Enum):
    RED = 1
    BLUE = 2


class Level(enum.IntEnum):
    LOW = 0
    HIGH = 1


class Plain:
    """Hashed and compared by identity."""


class Same:
    """Hashed and compared by user code, and equal to a plain number at that."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __hash__(self) -> int:
        return hash(self.number)

    def __eq__(self, other: object) -> bool:
        return other == self.number


# --- operations whose footprints do not conflict commute ----------------------------------------


@dataclass(frozen=True)
class Step:
    """An operation of one thread, which has an iterator of its own."""

    text: str
    touches: Callable[[Any, list[Any]], Footprint | None]
    run: Callable[[Any, list[Any]], Any]
    needs: str = "__len__"

    def __repr__(self) -> str:
        return self.text


def method(name: str, *args: Any) -> Step:
    return Step(
        f"{name}{args}",
        lambda c, own: effects.method_effects(c, name, args, False),
        lambda c, own: getattr(c, name)(*args),
        name,
    )


def store(key: Any, value: Any) -> Step:
    def run(c: Any, own: list[Any]) -> None:
        c[key] = value

    return Step(f"c[{key!r}] = {value!r}", lambda c, own: effects.store_item(c, key), run)


def delete(key: Any) -> Step:
    def run(c: Any, own: list[Any]) -> None:
        del c[key]

    return Step(f"del c[{key!r}]", lambda c, own: effects.delete_item(c, key), run)


def load(key: Any) -> Step:
    return Step(f"c[{key!r}]", lambda c, own: effects.load_item(c, key), lambda c, own: c[key])


def has(key: Any) -> Step:
    return Step(f"{key!r} in c", lambda c, own: effects.contains(c, key), lambda c, own: key in c)


def going_on(c: Any, own: list[Any]) -> Footprint | None:
    position = own[1]
    elements = list(c)
    if position >= len(elements):
        return effects.end_of_iteration(c)
    key = elements[position] if isinstance(c, dict) else position
    return effects.step(c, key, False)


def advance(c: Any, own: list[Any]) -> Any:
    own[1] += 1
    return next(own[0])


def start(c: Any, own: list[Any]) -> None:
    own[:] = [iter(c), 0]


LOOKS = [
    Step("len(c)", lambda c, own: effects.length(c), lambda c, own: len(c)),
    Step("bool(c)", lambda c, own: effects.truth(c), lambda c, own: bool(c)),
    Step("list(c)", lambda c, own: effects.read_all(c), lambda c, own: list(c)),
    Step("c == c", lambda c, own: effects.read_all(c), lambda c, own: c == type(c)(c)),
    Step("iter(c)", lambda c, own: effects.start_of_iteration(c), start),
    Step("next(i)", going_on, advance),
]

KEYS: list[Any] = [0, 1, 2, "a", "b", True, 1.0, None, (0, 1), (0, Color.RED), Color.BLUE]
KEYS += [frozenset({1}), Plain(), Same(1), Same(7), Level.HIGH, float("nan"), [], -0.0]
INDICES: list[Any] = [0, 1, 2, 3, 4, -1, -2, -4, True, slice(0, 2), slice(1, None), slice(2, 4)]


def dict_steps(value: int) -> list[Step]:
    steps = [
        *LOOKS,
        method("popitem"),
        method("clear"),
        method("copy"),
        method("update"),
        method("update", {0: value, 5: value}),
        method("update", [(0, value)]),
        method("__ior__", {"a": value}),
        method("__or__", {"a": value}),
        Step(
            "value in c.values()",
            lambda c, own: effects.contains(c.values(), 0),
            lambda c, own: 0 in c.values(),
        ),
        Step(
            "(1, 0) in c.items()",
            lambda c, own: effects.contains(c.items(), (1, 0)),
            lambda c, own: (1, 0) in c.items(),
        ),
        Step(
            "len(c.keys())",
            lambda c, own: effects.length(c.keys()),
            lambda c, own: len(c.keys()),
        ),
        Step(
            "list(c.values())",
            lambda c, own: effects.read_all(c.values()),
            lambda c, own: list(c.values()),
        ),
    ]
    for key in KEYS:
        steps += [load(key), store(key, value), delete(key), has(key)]
        steps += [method("get", key), method("setdefault", key, value)]
        steps += [method("pop", key), method("pop", key, None)]
    return steps


def ordered_steps(value: int) -> list[Step]:
    steps = [*dict_steps(value), method("popitem", False), method("popitem", True)]
    for key in KEYS:
        steps += [method("move_to_end", key), method("move_to_end", key, False)]
    return steps


SET_METHODS = (
    "update",
    "difference_update",
    "intersection_update",
    "symmetric_difference_update",
    "union",
    "difference",
    "issubset",
    "issuperset",
    "isdisjoint",
)


def set_steps(value: int) -> list[Step]:
    steps = [*LOOKS, method("pop"), method("clear"), method("copy"), method("update")]
    others: list[Any] = [{0, 1}, [0, "a"], (5,), {1: 2}, "ab", set(range(50)), [Same(1)]]
    for other in others:
        steps += [method(name, other) for name in SET_METHODS]
    for other in ({0, 1}, set(), {"b"}):
        steps += [method(name, other) for name in ("__ior__", "__isub__", "__iand__", "__ixor__")]
    for key in KEYS:
        steps += [method("add", key), method("discard", key), method("remove", key), has(key)]
    return steps


def list_steps(value: int) -> list[Step]:
    steps = [
        *LOOKS,
        method("append", value),
        method("pop"),
        method("clear"),
        method("reverse"),
        method("copy"),
        method("count", 1),
        method("index", 1),
        method("remove", 1),
        has(1),
    ]
    more: list[Any] = [[], [value], [value, 2], (1,), b"x", range(40)]
    for other in more:
        steps += [method("extend", other), method("__iadd__", other)]
    for index in INDICES:
        is_slice = isinstance(index, slice)
        steps += [load(index), store(index, [value] if is_slice else value), delete(index)]
        if not is_slice:
            steps += [method("insert", index, value), method("pop", index)]
    return steps


def sort_steps(value: int) -> list[Step]:
    return [*list_steps(value), method("sort"), method("__imul__", 2)]


def deque_steps(value: int) -> list[Step]:
    steps = [s for s in list_steps(value) if "slice" not in s.text and "pop(" not in s.text]
    return [
        *steps,
        method("pop"),
        method("popleft"),
        method("appendleft", value),
        method("extendleft", [value, 1]),
        method("rotate"),
        method("rotate", -1),
    ]


def bounded(elements: Any) -> deque[Any]:
    return deque(elements, 3)


def defaulting(elements: Any) -> defaultdict[Any, Any]:
    return defaultdict(int, elements)


def no_default(elements: Any) -> defaultdict[Any, Any]:
    return defaultdict(None, elements)


def numbers(elements: Any) -> array.array[int]:
    return array.array("i", elements)


LISTS = st.lists(st.integers(0, 3), max_size=5)
DICTS = st.lists(st.tuples(st.sampled_from([k for k in KEYS if k != []]), st.just(0)), max_size=4)
SETS = st.lists(st.sampled_from([k for k in KEYS if k != []]), max_size=4)

CONTAINERS: dict[str, tuple[Callable[[Any], Any], Any, Callable[[int], list[Step]]]] = {
    "list": (list, LISTS, sort_steps),
    "bytearray": (bytearray, LISTS, list_steps),
    "array": (numbers, LISTS, list_steps),
    "deque": (deque, LISTS, deque_steps),
    "bounded deque": (bounded, LISTS, deque_steps),
    "dict": (dict, DICTS, dict_steps),
    "OrderedDict": (OrderedDict, DICTS, ordered_steps),
    "defaultdict": (defaulting, DICTS, dict_steps),
    "defaultdict without factory": (no_default, DICTS, dict_steps),
    "Counter": (lambda pairs: Counter(dict(pairs)), DICTS, dict_steps),
    "set": (set, SETS, set_steps),
}


class World:
    """A container and two threads, each of them half-way through an iteration of it."""

    def __init__(self, make: Callable[[Any], Any], elements: Any, taken: int) -> None:
        self.container = make(elements)
        self.own: list[list[Any]] = []
        for _ in range(2):
            iterator = iter(self.container)
            for _ in range(taken):
                next(iterator, None)
            self.own.append([iterator, taken])

    def footprint(self, thread: int, step: Step) -> set[Any]:
        return pairs(step.touches(self.container, self.own[thread]))

    def run(self, thread: int, step: Step) -> Any:
        try:
            result = step.run(self.container, self.own[thread])
            return ["itself" if result is self.container else result]
        except Exception as error:
            return repr(error)

    def content(self) -> Any:
        """All that can still be seen of it; how a plain dict is ordered does not count."""
        found: list[Any] = [self.container]
        if isinstance(self.container, OrderedDict):
            found.append(list(self.container))
        return found

    def rest(self, thread: int) -> list[Any]:
        """What the thread's iterator still gives."""
        found: list[Any] = []
        try:
            found.extend(self.own[thread][0])
        except RuntimeError as error:
            found.append(repr(error))
        return found


def conflict(one: set[Any], other: set[Any]) -> bool:
    return any(
        field == other_field and (mode != other_mode or mode == WRITE)
        for field, mode in one
        for other_field, other_mode in other
    )


def check(make: Callable[[Any], Any], elements: Any, taken: int, first: Step, second: Step) -> None:
    """Without conflict, neither order nor the moment of asking makes a difference."""
    one = World(make, elements, taken)
    first_before = one.footprint(0, first)
    second_before = one.footprint(1, second)
    first_result = one.run(0, first)
    second_after = one.footprint(1, second)
    if conflict(first_before, second_before) and conflict(first_before, second_after):
        return
    second_result = one.run(1, second)
    other = World(make, elements, taken)
    assert other.run(1, second) == second_result
    first_after = other.footprint(0, first)
    assert other.run(0, first) == first_result
    assert (first_after, second_after) == (first_before, second_before)
    assert other.content() == one.content()
    for thread, step in ((0, first), (1, second)):
        if step.text in ("iter(c)", "next(i)"):
            assert other.rest(thread) == one.rest(thread)


@pytest.mark.parametrize("name", CONTAINERS)
def test_operations_commute_unless_their_footprints_conflict(name: str) -> None:
    make, states, steps = CONTAINERS[name]

    def possible(value: int) -> list[Step]:
        container = make([])
        return [step for step in steps(value) if hasattr(container, step.needs)]

    @settings(derandomize=True, deadline=None, database=None, max_examples=100)
    @given(
        states,
        st.integers(0, 2),
        st.lists(st.sampled_from(possible(100)), min_size=16, max_size=16),
        st.lists(st.sampled_from(possible(200)), min_size=16, max_size=16),
    )
    def run(elements: Any, taken: int, firsts: list[Step], seconds: list[Step]) -> None:
        for first, second in itertools.product(firsts, seconds):
            check(make, elements, taken, first, second)

    run()


def test_a_set_that_gets_nothing_new_from_another_one_may_still_be_reordered() -> None:
    elements = [16, 8, 0, 1]
    numbers = set(elements)
    before = list(numbers)
    footprint = pairs(effects.method_effects(numbers, "update", ({0},), False))
    numbers.update({0})
    assert set(before) == numbers
    assert list(numbers) != before
    assert conflict(footprint, pairs(effects.read_all(numbers)))


# --- the important footprints, one by one -------------------------------------------------------


def test_list_footprints() -> None:
    numbers = [10, 11, 12]
    assert pairs(effects.load_item(numbers, 1)) == {(1, READ), WHOLE_READ}
    assert pairs(effects.load_item(numbers, -1)) == {(2, READ), *MEASURED}
    assert pairs(effects.load_item(numbers, 3)) == {(3, READ), *MEASURED}
    assert pairs(effects.load_item(numbers, -4)) == MEASURED
    assert pairs(effects.load_item(numbers, slice(0, 2))) == {(0, READ), (1, READ), WHOLE_READ}
    assert pairs(effects.load_slice(numbers, slice(None, None))) == EVERYTHING
    assert pairs(effects.load_slice(numbers, slice(2, 4))) == EVERYTHING
    assert pairs(effects.load_item(list(range(300)), 299)) == {(299, READ), WHOLE_READ}
    assert pairs(effects.store_item(numbers, 1)) == {(1, WRITE), (ANY, UPDATE), WHOLE_READ}
    assert pairs(effects.store_item(numbers, 3)) == MEASURED
    assert pairs(effects.store_slice(numbers, slice(0, 2))) == UPHEAVAL
    assert pairs(effects.delete_item(numbers, 0)) == UPHEAVAL
    last = {(SIZE, WRITE), (2, WRITE), (ANY, UPDATE), WHOLE_READ}
    assert pairs(effects.delete_item(numbers, 2)) == last
    assert call(numbers, "pop") == call(numbers, "pop", -1) == last
    assert call(numbers, "pop", 0) == UPHEAVAL
    assert call([], "pop") == MEASURED
    end = {(SIZE, WRITE), (3, WRITE), (ANY, UPDATE), WHOLE_READ}
    assert call(numbers, "append", 1) == call(numbers, "extend", [1]) == end
    assert call(numbers, "extend", (1, 2)) == {*end, (4, WRITE)}
    assert call(numbers, "extend", iter(())) == UPHEAVAL
    for name in ("clear", "sort", "reverse", "insert", "remove", "__imul__"):
        assert call(numbers, name, 0) == UPHEAVAL
    for name in ("copy", "index", "count", "__add__", "__eq__"):
        assert call(numbers, name, 0) == EVERYTHING
    assert pairs(effects.contains(numbers, 11)) == pairs(effects.read_all(numbers)) == EVERYTHING
    assert pairs(effects.length(numbers)) == pairs(effects.truth(numbers)) == MEASURED
    assert effects.start_of_iteration(numbers) == ()
    assert pairs(effects.step(numbers, 0, False)) == {(0, READ), WHOLE_READ}
    assert pairs(effects.end_of_iteration(numbers)) == MEASURED
    assert pairs(effects.mutate_all(numbers)) == UPHEAVAL


def test_dict_footprints() -> None:
    stock = {"apple": 1}
    look = {("apple", READ), WHOLE_READ}
    miss = {("pear", READ), WHOLE_READ}
    overwrite = {("apple", WRITE), (ANY, UPDATE), WHOLE_READ}
    removal = {*overwrite, (SIZE, UPDATE)}
    insertion = {("pear", WRITE), (SIZE, UPDATE), (ANY, UPDATE), WHOLE_READ}
    assert pairs(effects.load_item(stock, "apple")) == look == call(stock, "get", "apple")
    assert pairs(effects.contains(stock, "pear")) == miss == call(stock, "get", "pear", 0)
    assert pairs(effects.store_item(stock, "apple")) == overwrite
    assert pairs(effects.store_item(stock, "pear")) == insertion
    assert pairs(effects.delete_item(stock, "apple")) == removal == call(stock, "pop", "apple")
    assert pairs(effects.delete_item(stock, "pear")) == miss == call(stock, "pop", "pear", None)
    assert call(stock, "setdefault", "apple", 0) == look
    assert call(stock, "setdefault", "pear", 0) == insertion
    assert call(stock, "update", {"apple": 2, "pear": 3}) == insertion | overwrite
    assert call(stock, "update", [("apple", 2)]) == UPHEAVAL
    assert call(stock, "update", more=True) == UPHEAVAL
    assert call(stock, "get", more=True) == EVERYTHING
    assert call(stock, "popitem") == {*overwrite, (SIZE, WRITE)}
    assert call({}, "popitem") == MEASURED
    assert call(stock, "clear") == UPHEAVAL
    assert call(stock, "copy") == call(stock, "__or__", {}) == EVERYTHING
    for name in ("keys", "values", "items"):
        assert call(stock, name) == set()
    assert call(stock, "fromkeys", "abc") is None
    assert pairs(effects.start_of_iteration(stock)) == MEASURED
    assert pairs(effects.step(stock, "apple", False)) == MEASURED
    assert pairs(effects.step(stock, "apple", True)) == {("apple", READ), *MEASURED}
    assert pairs(effects.end_of_iteration(stock)) == MEASURED


def test_only_an_ordered_dict_cares_which_key_came_first() -> None:
    recent = OrderedDict({"a": 1, "b": 2})
    new = {("c", WRITE), (ANY, UPDATE), WHOLE_READ}
    assert pairs(effects.store_item(recent, "c")) == {*new, (SIZE, WRITE)}
    assert pairs(effects.store_item(dict(recent), "c")) == {*new, (SIZE, UPDATE)}
    assert call(recent, "move_to_end", "a") == {("a", READ), (SIZE, WRITE), WHOLE_READ}
    first = {("a", WRITE), (SIZE, WRITE), (ANY, UPDATE), WHOLE_READ}
    assert call(recent, "popitem", False) == first
    assert call(recent, "popitem", more=True) == {*first, ("b", WRITE)}


def test_loading_a_missing_key_of_a_defaultdict_inserts_it() -> None:
    insertion = {("x", WRITE), (SIZE, UPDATE), (ANY, UPDATE), WHOLE_READ}
    look = {("x", READ), WHOLE_READ}
    assert pairs(effects.load_item(defaultdict(int), "x")) == insertion
    assert pairs(effects.load_item(defaultdict(int, x=1), "x")) == look
    assert pairs(effects.load_item(defaultdict(None), "x")) == look
    assert call(defaultdict(int), "get", "x") == look
    assert pairs(effects.load_item(Counter(), "x")) == look
    assert call(Counter(), "update", "abc") == UPHEAVAL
    assert call(Counter(), "most_common") == EVERYTHING


def test_set_footprints() -> None:
    seen = {1}
    assert pairs(effects.contains(seen, 1)) == {(1, READ), WHOLE_READ}
    assert call(seen, "add", 1) == call(seen, "update", [1]) == {(1, READ), WHOLE_READ}
    assert call(seen, "add", 2) == {(2, WRITE), (SIZE, UPDATE), WHOLE_READ}
    assert call(seen, "update", (2,)) == call(seen, "add", 2)
    assert call(seen, "update", {1}) == {(1, READ), (SIZE, UPDATE), WHOLE_READ}
    assert call(seen, "update", set()) == {WHOLE_READ}
    assert call(seen, "discard", 1) == {(1, WRITE), (SIZE, UPDATE), WHOLE_READ}
    assert call(seen, "remove", 2) == {(2, READ), WHOLE_READ}
    assert call(seen, "pop") == call(seen, "clear") == UPHEAVAL
    assert call(set(), "pop") == MEASURED
    assert pairs(effects.step(seen, None, False)) == MEASURED


def test_deque_footprints() -> None:
    queue = deque([1, 2])
    assert call(queue, "append", 1) == {(SIZE, WRITE), (2, WRITE), (ANY, UPDATE), WHOLE_READ}
    assert call(queue, "pop") == {(SIZE, WRITE), (1, WRITE), (ANY, UPDATE), WHOLE_READ}
    assert call(queue, "popleft") == call(queue, "appendleft", 1) == UPHEAVAL
    assert call(queue, "rotate", 1) == UPHEAVAL
    assert call(deque(), "popleft") == call(deque([1]), "rotate", 1) == MEASURED
    assert call(deque([1, 2], 2), "append", 1) == UPHEAVAL
    assert pairs(effects.step(queue, 0, False)) == EVERYTHING


def test_an_iterator_is_one_place() -> None:
    advanced = ((STATE, WRITE),)
    generator: Any = (number for number in [1])
    iterators: list[Any] = [iter([1]), generator, itertools.count(), enumerate("a")]
    for iterator in iterators:
        assert effects.kind_of(type(iterator)) == "iterator"
        assert effects.method_effects(iterator, "__next__", (), False) == advanced
        assert effects.step(iterator, 0, False) == effects.read_all(iterator) == advanced
        assert effects.start_of_iteration(iterator) == ()
        assert effects.length(iterator) is effects.load_item(iterator, 0) is None
    for name in ("send", "throw", "close"):
        assert effects.method_effects(generator, name, (), True) == advanced


# --- which types, and whose methods -------------------------------------------------------------


def test_kinds() -> None:
    kinds: dict[type, str | None] = {
        list: "list",
        dict: "dict",
        OrderedDict: "dict",
        defaultdict: "dict",
        Counter: "dict",
        set: "set",
        deque: "deque",
        bytearray: "bytearray",
        array.array: "array",
        type({}.keys()): "view",
        MappingProxyType: "view",
        UserDict: "dict",
        ChainMap: "dict",
        UserList: "list",
        weakref.WeakValueDictionary: "dict",
        weakref.WeakKeyDictionary: "dict",
        weakref.WeakSet: "set",
        io.StringIO: "iterator",
    }
    nothing = (tuple, str, bytes, int, range, frozenset, Plain, type)
    for tp in nothing:
        kinds[tp] = None
    assert {tp: effects.kind_of(tp) for tp in kinds} == kinds


@pytest.mark.parametrize("obj", [(), "", 0, range(3), frozenset({1}), Plain(), None, len])
def test_what_is_not_a_container_has_no_effects(obj: Any) -> None:
    found = [
        effects.load_item(obj, 0),
        effects.store_item(obj, 0),
        effects.delete_item(obj, 0),
        effects.contains(obj, 0),
        effects.length(obj),
        effects.truth(obj),
        effects.read_all(obj),
        effects.mutate_all(obj),
        effects.start_of_iteration(obj),
        effects.step(obj, 0, False),
        effects.end_of_iteration(obj),
        effects.method_effects(obj, "append", (1,), False),
        effects.inherited_effects(obj, "append", (1,), False),
    ]
    assert set(found) == {None}


def test_an_overridden_method_has_no_effects_of_its_own() -> None:
    class Logged(list[int]):
        def append(self, item: int) -> None:
            super().append(item)

        def __len__(self) -> int:
            return 7

        def __getitem__(self, index: Any) -> Any:
            return 0

    logged = Logged([1])
    assert effects.kind_of(Logged) == "list"
    assert call(logged, "append", 1) is None
    assert effects.length(logged) is effects.truth(logged) is effects.load_item(logged, 0) is None
    assert pairs(effects.store_item(logged, 0)) == {(0, WRITE), (ANY, UPDATE), WHOLE_READ}
    assert call(logged, "pop") == {(SIZE, WRITE), (0, WRITE), (ANY, UPDATE), WHOLE_READ}
    appended = {(SIZE, WRITE), (1, WRITE), (ANY, UPDATE), WHOLE_READ}
    assert pairs(effects.inherited_effects(logged, "append", (1,), False)) == appended


def test_a_mixin_overrides_only_what_it_comes_before() -> None:
    class Mixin:
        def get(self, key: Any, default: Any = None) -> Any:
            return default

    class Before(Mixin, dict[Any, Any]):
        pass

    class After(dict[Any, Any], Mixin):
        pass

    assert call(Before(), "get", "x") is None
    assert call(After(), "get", "x") == {("x", READ), WHOLE_READ}
    assert pairs(effects.load_item(Before(), "x")) == {("x", READ), WHOLE_READ}


def test_a_missing_method_in_python_leaves_loading_a_mere_look() -> None:
    class Table(defaultdict[Any, Any]):
        def __missing__(self, key: Any) -> Any:
            return 0

    assert pairs(effects.load_item(Table(int), "x")) == {("x", READ), WHOLE_READ}


def test_an_iterator_written_in_python_is_watched_instead() -> None:
    class Numbers:
        def __iter__(self) -> Iterator[int]:
            return self

        def __next__(self) -> int:
            return 1

    assert effects.kind_of(Numbers) is None


def test_views_stand_for_their_dict() -> None:
    stock = {"a": 1}
    for owner in (stock, OrderedDict(stock), defaultdict(int, stock)):
        for view in (owner.keys(), owner.values(), owner.items(), MappingProxyType(owner)):
            assert effects.underlying(view) is owner
            assert pairs(effects.length(view)) == pairs(effects.truth(view)) == MEASURED
    assert effects.underlying(stock) is stock
    assert effects.underlying(MappingProxyType(MappingProxyType(stock))) is stock
    assert pairs(effects.contains(stock.keys(), "a")) == {("a", READ), WHOLE_READ}
    assert pairs(effects.contains(stock.items(), ("a", 1))) == {("a", READ), WHOLE_READ}
    assert pairs(effects.contains(stock.values(), 1)) == EVERYTHING
    assert pairs(effects.read_all(stock.keys())) == MEASURED
    assert pairs(effects.read_all(stock.items())) == EVERYTHING
    assert pairs(effects.step(stock.items(), "a", True)) == {("a", READ), *MEASURED}
    proxy = MappingProxyType(stock)
    assert pairs(effects.load_item(proxy, "a")) == {("a", READ), WHOLE_READ}
    assert call(proxy, "get", "b") == {("b", READ), WHOLE_READ}
    assert effects.load_item(stock.items(), "a") is None
    assert call(proxy, "get", more=True) == EVERYTHING
    inserting = MappingProxyType(defaultdict[str, int](int))
    assert pairs(effects.load_item(inserting, "a")) >= {("a", WRITE), (SIZE, UPDATE)}


def test_wrappers_stand_for_the_container_inside() -> None:
    stock = UserDict({"a": 1})
    assert effects.underlying(stock) is effects.underlying(stock.items()) is stock.data
    assert effects.underlying(ChainMap(stock.data, {})) is stock.data
    assert effects.underlying(ChainMap(stock, {})) is stock.data
    items = UserList([1])
    assert effects.underlying(items) is items.data
    for key in ("a", "b"):
        assert effects.store_item(stock, key) == effects.store_item(stock.data, key)
        assert effects.delete_item(stock, key) == effects.delete_item(stock.data, key)
        assert call(stock, "setdefault", key, 0) == call(stock.data, "setdefault", key, 0)
        assert pairs(effects.load_item(stock, key)) == {(key, READ), WHOLE_READ}
    assert call(items, "append", 1) == call([1], "append", 1)
    assert pairs(effects.read_all(stock.items())) == EVERYTHING
    assert pairs(effects.length(stock)) == MEASURED


def test_a_wrapper_of_something_else_may_be_changed_in_any_way() -> None:
    strange: Any = ChainMap(UserDict(a=1))  # type: ignore[arg-type]
    assert pairs(effects.store_item(strange, "a")) == UPHEAVAL
    assert effects.underlying(UserDict.__new__(UserDict)) is not None


def test_weak_containers_go_by_the_objects_in_them() -> None:
    key, other = Plain(), Plain()
    counts: Any = weakref.WeakKeyDictionary({key: 1})
    assert pairs(effects.load_item(counts, key)) == {(ByIdentity(key), READ), WHOLE_READ}
    assert (ByIdentity(other), WRITE) in pairs(effects.store_item(counts, other))
    alive: Any = weakref.WeakSet([key])
    assert pairs(effects.contains(alive, key)) == {(ByIdentity(key), READ), WHOLE_READ}
    assert (SIZE, UPDATE) in (call(alive, "add", other) or set())
    by_name: Any = weakref.WeakValueDictionary({"a": key})
    assert call(by_name, "get", "a") == {("a", READ), WHOLE_READ}
    assert call(by_name, "items") == EVERYTHING


def test_a_factory_in_python_does_not_fill_at_once() -> None:
    class Box:
        def __init__(self) -> None:
            self.items: list[int] = []

    for factory in (Box, lambda: 0, partial(int)):
        boxes: Any = defaultdict(factory)
        assert effects.factory_in_python(boxes) is factory
        assert pairs(effects.load_item(boxes, "a")) == {("a", READ), WHOLE_READ}
    for at_once in (int, list, dict, Plain, None):
        assert effects.factory_in_python(defaultdict(at_once)) is None


def test_writing_to_a_stream_commutes_with_writing() -> None:
    for stream in (io.StringIO(), io.BytesIO()):
        assert call(stream, "write", "") == {(STATE, UPDATE)}
        assert call(stream, "getvalue") == {(STATE, READ)}
        assert call(stream, "seek", 0) == {(STATE, WRITE)}
        assert call(stream, "flush") is None


def test_classes_are_forgotten_when_they_die() -> None:
    class Short(dict[Any, Any]):
        pass

    class Key:
        pass

    assert effects.kind_of(Short) == "dict"
    assert isinstance(effects.field_of(Key()), ByIdentity)
    alive: list[Any] = [weakref.ref(Short), weakref.ref(Key)]
    del Short, Key
    gc.collect()
    assert [reference() for reference in alive] == [None, None]


# --- keys ---------------------------------------------------------------------------------------


def test_equal_keys_have_equal_fields() -> None:
    assert len({effects.field_of(key) for key in (1, 1.0, True, Level.HIGH)}) == 1
    assert effects.field_of((1, "a")) == (1, "a")
    assert effects.field_of(frozenset({1})) == frozenset({1})
    key = Plain()
    assert effects.field_of(key) == effects.field_of(key) == ByIdentity(key)
    assert effects.field_of(key) != effects.field_of(Plain())
    assert repr(effects.field_of(key)) == "<Plain object>"


def test_an_enum_member_has_the_same_field_when_its_class_is_made_again() -> None:
    def make() -> Any:
        class Suit(enum.Enum):
            HEARTS = 1
            SPADES = 2

        return Suit

    one, other = make(), make()
    assert one.HEARTS != other.HEARTS
    assert effects.field_of(one.HEARTS) == effects.field_of(other.HEARTS)
    assert effects.field_of(one.HEARTS) != effects.field_of(one.SPADES)
    assert effects.field_of((0, Color.RED)) == (0, EnumMember("Color.RED"))
    assert repr(effects.field_of(Color.RED)) == "Color.RED"


def test_everything_depends_on_a_write_under_a_key_that_user_code_compares() -> None:
    stock: dict[Any, int] = {"a": 1}
    keys: list[Any] = [Same(1), float("nan"), (1, Same(2)), (1, Plain()), []]
    for key in keys:
        assert pairs(effects.load_item(stock, key)) == {(ANY, READ), WHOLE_READ}
        for written in (effects.store_item(stock, key), effects.delete_item(stock, key)):
            assert pairs(written) == {(ANY, WRITE), (WHOLE, WRITE)}
        assert pairs(effects.contains({1}, key)) == MEASURED
        assert call({1}, "add", key) == call({1}, "update", (key,)) == UPHEAVAL


class RanUserCode(BaseException):
    """Not to be taken for an ordinary failure by anybody."""


def refuse(*args: Any) -> Any:
    raise RanUserCode


REFUSALS: dict[str, Any] = {
    f"__{name}__": refuse
    for name in (
        *("hash", "eq", "ne", "lt", "index", "int", "float", "len", "bool", "iter", "next"),
        *("contains", "getitem", "missing", "reversed", "getattribute", "repr", "str"),
    )
}
META: Any = type("Meta", (type,), {"__hash__": refuse, "__eq__": refuse})


@pytest.mark.parametrize("base", [object, str, int, float, bytes, tuple, frozenset, deque])
@pytest.mark.parametrize("meta", [type, META])
def test_no_user_code_of_keys_runs(base: type, meta: Any) -> None:
    key = meta("Key", (base,), dict(REFUSALS))()
    plain: list[Any] = [[1], {"a": 1}, OrderedDict(a=1), defaultdict(int), {1}, deque([1])]
    for container in [*plain, Counter("a"), bytearray(b"a"), {"a": 1}.items(), iter([1])]:
        for where in (key, (key,), (1, key), frozenset, slice(key, key)):
            effects.load_item(container, where)
            effects.store_item(container, where)
            effects.delete_item(container, where)
            effects.contains(container, where)
            if isinstance(container, dict):
                effects.step(container, where, True)
            for name in {*dir(container), "no_such_method"}:
                effects.method_effects(container, name, (where,), False)
                effects.method_effects(container, name, (where, where), True)
                effects.method_effects(container, name, ([where],), False)


@pytest.mark.parametrize("base", [list, dict, OrderedDict, defaultdict, Counter, set, deque])
@pytest.mark.parametrize("meta", [type, META])
def test_no_user_code_of_containers_runs(base: Any, meta: Any) -> None:
    tp = meta("Container", (base,), dict(REFUSALS))
    container = base.__new__(tp)
    if base is not Counter:  # whose constructor calls what the subclass overrides
        base.__init__(container, *([int] if base is defaultdict else []))
    for _ in range(2):
        for name in dir(base):
            effects.method_effects(container, name, (0, 0), False)
            effects.inherited_effects(container, name, (0, 0), False)
            effects.inherited_effects(container, name, (), True)
            effects.method_effects(base(), name, (container,), False)
        effects.underlying(container)
        effects.length(container), effects.truth(container), effects.read_all(container)
        effects.start_of_iteration(container), effects.end_of_iteration(container)
        if base in (list, deque):
            base.append(container, 1)
        elif base is set:
            base.add(container, 1)
        else:
            base.__setitem__(container, 0, 1)

"""What the rewriter knows about names: of container methods, builtins and standard modules.

A name tells nothing certain in Python; these tables say where a hook is worth its cost, and every
hook looks at the object it is given before it announces anything.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict, deque
from typing import Final

from raceproof.instrument.effects.streams import NAMES as STREAM_METHODS

_CONTAINERS: Final = (
    list,
    dict,
    set,
    frozenset,
    deque,
    bytearray,
    OrderedDict,
    Counter,
    defaultdict,
)

CONTAINER_METHODS: Final = (
    frozenset(name for kind in _CONTAINERS for name in dir(kind) if not name.startswith("__"))
    | {"send", "throw", "close", "__next__"}
    | STREAM_METHODS
) - {"join", "format"}
"""Method names of the builtin containers, of generators and of streams."""

TAKEN_METHODS: Final = (
    frozenset(name for kind in _CONTAINERS for name in dir(kind) if not name.startswith("__"))
    | {"send", "__next__", "__getitem__", "__setitem__", "__delitem__", "__contains__"}
) - {"count", "index", "items", "keys", "values", "copy", "join", "format", "maxlen", "hex"}
"""Methods that are worth watching when they are taken as values; some of the others are as likely
to be the names of attributes."""

READERS: Final = frozenset(
    [
        "sum",
        "sorted",
        "list",
        "tuple",
        "set",
        "frozenset",
        "dict",
        "min",
        "max",
        "any",
        "all",
        "str",
        "repr",
        "print",
        "bytes",
        "bytearray",
    ]
)
"""Builtins that look at all of their arguments before they return."""

DEEP_READERS: Final = frozenset({"str", "repr", "ascii", "print", "format"})
"""Those of them that also look into what their arguments contain."""

_ALL, _FIRST, _BUT_FIRST = slice(None), slice(1), slice(1, None)
LAZY_READERS: Final = {
    ("builtins", "enumerate"): _FIRST,
    ("builtins", "zip"): _ALL,
    ("builtins", "map"): _BUT_FIRST,
    ("builtins", "filter"): _BUT_FIRST,
    ("builtins", "iter"): _FIRST,
    ("itertools", "accumulate"): _FIRST,
    ("itertools", "batched"): _FIRST,
    ("itertools", "chain"): _ALL,
    ("itertools", "chain.from_iterable"): _FIRST,
    ("itertools", "compress"): _ALL,
    ("itertools", "cycle"): _FIRST,
    ("itertools", "dropwhile"): _BUT_FIRST,
    ("itertools", "filterfalse"): _BUT_FIRST,
    ("itertools", "groupby"): _FIRST,
    ("itertools", "islice"): _FIRST,
    ("itertools", "pairwise"): _FIRST,
    ("itertools", "starmap"): _BUT_FIRST,
    ("itertools", "takewhile"): _BUT_FIRST,
    ("itertools", "tee"): _FIRST,
    ("itertools", "zip_longest"): _ALL,
}
"""Functions that iterate later, and over which of their arguments."""

FRESH: Final = frozenset(
    [
        "range",
        "enumerate",
        "zip",
        "map",
        "filter",
        "sorted",
        "list",
        "tuple",
        "set",
        "frozenset",
        "dict",
        "reversed",
    ]
)
"""Builtins whose results are new and belong to the caller: iterating them disturbs nobody."""

PLAIN_RESULTS: Final = frozenset(
    [
        "isinstance",
        "issubclass",
        "callable",
        "hasattr",
        "any",
        "all",
        "bool",
        "len",
        "int",
        "float",
        "abs",
        "ord",
        "hash",
        "id",
    ]
)
"""Builtins that return a bool or number, the truth of which is nobody else's business."""

HANDING_OUT: Final = frozenset({"getattr", "next", "min", "max", "vars", "globals", "locals"})
"""Builtins that return what others may have; the results of all the others are new."""

VIEWS: Final = frozenset({"keys", "values", "items"})
"""Methods whose results stand for the object itself."""

MUTATORS: Final = frozenset(
    ("heapq", name) for name in ["heappush", "heappop", "heapify", "heapreplace", "heappushpop"]
) | frozenset(
    [
        ("bisect", "insort"),
        ("bisect", "insort_left"),
        ("bisect", "insort_right"),
        ("random", "shuffle"),
    ]
)
"""Functions of the standard library that change their first argument."""

SNAPSHOTS: Final = {
    ("copy", "copy"): False,
    ("copy", "deepcopy"): True,
    ("dataclasses", "asdict"): True,
    ("dataclasses", "astuple"): True,
    ("dataclasses", "replace"): False,
    ("pickle", "dump"): True,
    ("pickle", "dumps"): True,
}
"""Functions that look at all attributes of their first argument; whether they go deeper."""

KEEPERS: Final = frozenset(
    [
        "threading",
        "_thread",
        "queue",
        "concurrent.futures",
        "multiprocessing",
        "time",
        "functools",
        "contextlib",
        "weakref",
        "typing",
        "dataclasses",
    ]
)
"""Modules that are simulated, or keep their arguments without looking into them."""

SIMULATED_METHODS: Final = frozenset(
    {
        "acquire", "release", "locked", "is_set", "isSet", "wait", "wait_for", "is_alive", "join",
        "empty", "full", "qsize", "get", "get_nowait", "put", "put_nowait", "task_done",
        "done", "running", "cancelled", "cancel", "result", "exception", "sleep", "time", "time_ns",
        "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "now", "utcnow",
    }
)  # fmt: skip
"""Methods of the primitives and functions of the clock: no part of what raceproof cannot see."""

SUBMODULES: Final = frozenset(
    {"os.path", "concurrent.futures", "collections.abc", "importlib.util", "urllib.parse"}
)
"""Modules that are called through the package around them."""

IMPORTS_THAT_START_THREADS: Final = frozenset(
    ["threading", "_thread", "concurrent", "multiprocessing", "asyncio", "sched"]
)
"""After a call of theirs at module level, another thread may be running."""

STARTERS: Final = frozenset({"start", "submit", "apply_async", "map_async", "start_new_thread"})
"""Methods that start a thread, or give work to one."""

"""What watched code calls: each hook announces one operation to the scheduler and returns.

The operation itself is then performed by the watched code, natively, so that results, exceptions
and tracebacks are Python's own.  The hooks are installed as builtins while a program is explored;
`rewriting` inserts the calls.
"""

from __future__ import annotations

import builtins
import itertools
import operator
import sys
import types
import weakref
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any, Final

from raceproof.events import (
    READ,
    STATE,
    WRITE,
    Access,
    Attribute,
    Loop,
    Operation,
    SharedObject,
    Site,
)
from raceproof.instrument import effects
from raceproof.instrument.foreign import Foreign
from raceproof.instrument.passive_hooks import passive
from raceproof.instrument.spinning import at_call, at_loop_head, enter_loop
from raceproof.instrument.taken import NATIVE, TakenMethod
from raceproof.world.locals import RealLocal, local
from raceproof.world.naming import IMMUTABLE, rank_among
from raceproof.world.plain_facts import (
    bases_of,
    dict_of,
    globals_of,
    home_of,
    name_of,
    namespace_of,
)
from raceproof.world.primitives.simulated import Primitive
from raceproof.world.scheduler import Scheduler
from raceproof.world.spinners import Rounds
from raceproof.world.whole_steps import WholeSteps

PREFIX: Final = "_rp_"
FUNCTION_LIKE: Final = (
    types.FunctionType, types.BuiltinFunctionType, type, types.ModuleType, classmethod,
    staticmethod, types.MethodType,
)  # fmt: skip
BOUND: Final = (types.MethodType, types.BuiltinMethodType)
STORING_METHODS: Final = frozenset(
    [
        "append",
        "appendleft",
        "add",
        "insert",
        "extend",
        "extendleft",
        "setdefault",
        "update",
        "put",
        "put_nowait",
        "submit",
    ]
)
ABSORBING: Final = frozenset(
    [
        "extend",
        "extendleft",
        "update",
        "union",
        "intersection",
        "difference",
        "symmetric_difference",
        "intersection_update",
        "difference_update",
        "symmetric_difference_update",
        "issubset",
        "issuperset",
        "isdisjoint",
        "subtract",
    ]
)
"""Methods of containers that look at all of the containers they are given."""
REVERSIBLE: Final = frozenset({"list", "dict", "deque", "bytearray", "array", "view"})
ENDLESS: Final = frozenset(
    {itertools.count, itertools.cycle, itertools.repeat, type(iter(int, None))}
)
"""Iterators that go on for ever, or until a function says so."""
COUNTING: Final = frozenset({itertools.count, itertools.cycle})
"""Those of them whose elements differ whatever the rest of the program does."""
SCALARS: Final = frozenset({int, float, complex, bool, str, bytes, type(None)})
CONTAINERS: Final = frozenset({list, tuple, dict, set, deque})
MAX_NAMED: Final = 100
"""Elements of one container that get names along with it; larger ones name them when touched."""
PER_THREAD: Final = (local, RealLocal)
"""Classes whose objects share nothing."""
_MISSING: Final = object()


def _knows_none(name: str) -> bool:
    return False


# How the attribute `name` of instances of a type is found.
_ON_INSTANCE, _SILENT, _MAYBE_ON_CLASS, _ON_CLASS_OBJECT, _ON_MODULE = range(5)


class Hooks:
    """The hooks of one exploration, bound to its scheduler and its table of sites."""

    def __init__(
        self, machine: Scheduler, sites: list[Site], steps: WholeSteps | None = None
    ) -> None:
        """With `steps`, accesses that nothing can come between are announced as one."""
        self.machine = machine
        self.sites = sites
        self._announce_to = steps or machine
        self._table: dict[str, Callable[..., Any]] = {}
        self.forget_types: Callable[[], None] = lambda: None
        """To be called between executions, each of which makes its classes anew."""

    def install(self) -> None:
        """Make the hooks callable from watched code."""
        self._table = self._table or self.table()
        self.machine.is_watched_function = self.knows_function
        for name, hook in self._table.items():
            setattr(builtins, PREFIX + name, hook)

    def knows_function(self, name: str) -> bool:
        """Whether watched code has a function or method of this name, as far as it has hooks."""
        return any(site.function.rpartition(".")[2] == name for site in self.sites)

    def remove(self) -> None:
        """Watched code runs from now on as if it had never been watched."""
        for name, hook in passive(self._table).items():
            setattr(builtins, PREFIX + name, hook)
        self.machine.is_watched_function = _knows_none

    def table(self) -> dict[str, Callable[..., Any]]:
        """The hooks by name (without the prefix).

        They are closures: what they need is at hand in a cell, which is quicker than attributes.
        """
        machine, sites = self.machine, self.sites
        objects = machine.objects
        by_id, name_object = objects.by_id, objects.name
        steps = self._announce_to
        access, reserve, commit = steps.access, steps.reserve, steps.commit
        getframe = sys._getframe
        placements: dict[tuple[type, str], int] = {}
        variables: dict[Any, Operation] = {}
        joint: dict[Any, Operation] = {}
        foreign = Foreign(sites)
        entered: dict[int, weakref.ref[Any]] = {}
        """Generators that were entered by name, so that others may try as well, by their frames."""

        # -- naming ------------------------------------------------------------------------------

        def shared_of(obj: Any, site: int) -> SharedObject:
            found = by_id.get(id(obj))
            if found is None:
                if type(obj) is types.FunctionType and "<locals>" not in obj.__qualname__:
                    name = ("function", obj.__module__, obj.__qualname__)
                    return objects.adopt(obj, machine.naming.object(name, obj.__qualname__))
                found = name_object(obj, machine.current.tid, site)
            return found

        def name_value(value: Any, site: int, owner: Any = None) -> None:
            """`value` is about to be where others can find it: name it, and what is in it."""
            if id(value) in by_id:
                return
            tp = type(value)
            giver = machine.current.tid
            if tp in CONTAINERS:
                label = sites[site].name
                if owner is not None and label:
                    label = f"{name_of(type(owner))}.{label}"
                if tp is not tuple:
                    name_object(value, giver, site, label)
                if tp is not deque and len(value) <= MAX_NAMED:
                    for element in value.values() if tp is dict else value:
                        if type(element) not in IMMUTABLE or type(element) is tuple:
                            name_value(element, site)
            else:
                name_object(value, giver, site)
                holder = effects.underlying(value)
                if holder is not value:
                    name_object(holder, giver, site, sites[site].name or name_of(tp))
                fields = lookup(tp, "__dataclass_fields__")
                if type(fields) is dict and len(fields) <= MAX_NAMED:
                    for element in (dict_of(value) or {}).values():
                        if type(element) not in IMMUTABLE or type(element) is tuple:
                            name_value(element, site)

        def name(value: Any, site: int) -> Any:
            if type(value) not in IMMUTABLE and machine.active and not machine.truncated:
                name_value(value, site)
            return value

        # -- attributes --------------------------------------------------------------------------

        def placement(tp: type, attribute: str) -> int:
            found = placements.get((tp, attribute))
            if found is None:
                found = placements[tp, attribute] = find_placement(tp, attribute)
            return found

        def find_placement(tp: type, attribute: str) -> int:
            if issubclass(tp, types.ModuleType):
                return _ON_MODULE
            if issubclass(tp, type):
                return _ON_CLASS_OBJECT
            if tp is types.FunctionType and lookup(tp, attribute) is _MISSING:
                return _ON_INSTANCE
            if tp in IMMUTABLE or (home_of(tp) == "builtins" and tp is not types.SimpleNamespace):
                return _SILENT
            if home_of(tp).startswith("raceproof.") or issubclass(tp, PER_THREAD):
                return _SILENT
            on_class = lookup(tp, attribute)
            if on_class is _MISSING:
                return _ON_INSTANCE
            if type(on_class) is types.MemberDescriptorType:
                return _ON_INSTANCE
            # `isinstance` would ask the value for its `__class__`, which may be watched code.
            if issubclass(type(on_class), FUNCTION_LIKE):
                return _SILENT
            kind = type(on_class)
            if lookup(kind, "__set__") is not _MISSING or attribute.startswith("__"):
                return _SILENT
            return _MAYBE_ON_CLASS

        def lookup(tp: type, attribute: str) -> Any:
            for cls in bases_of(tp) or ():
                namespace = namespace_of(cls)
                if attribute in namespace:
                    return namespace[attribute]
            return _MISSING

        def attribute_operation(
            obj: Any, attribute: str, site: int, mode: int, where: int
        ) -> Operation | None:
            """The operation for a site on an object; None where there is nothing to see."""
            if where == _SILENT:
                if attribute == "__dict__" and not issubclass(type(obj), type):
                    namespace = dict_of(obj)
                    if namespace is not None:
                        objects.adopt(namespace, shared_of(obj, site))
                return None
            kind = "write" if mode == WRITE else "read"
            field = Attribute(attribute)
            if where == _ON_CLASS_OBJECT:
                owner = obj
                for cls in bases_of(obj) or ():
                    if attribute in namespace_of(cls):
                        owner = cls
                        break
                value = namespace_of(owner).get(attribute, _MISSING)
                if mode == READ and issubclass(type(value), (*FUNCTION_LIKE, property)):
                    return None
                if mode == WRITE:
                    owner = obj
                    placements.clear()
                if home_of(owner) == "builtins":
                    return None
                shared = shared_of(owner, site)
                return interned(shared, site, kind, ((shared.location(field), mode),))
            if where == _ON_MODULE:
                space = globals_of(obj) or {}
                value = space.get(attribute, _MISSING)
                if mode == READ and issubclass(type(value), FUNCTION_LIKE):
                    return None
                if value is _MISSING and "__getattr__" in space:
                    # Probably it is made now, and there from then on: in all further executions.
                    machine.learn(f"{space.get('__name__')}.{attribute}")
                shared = shared_of(obj, site)
                return interned(shared, site, kind, ((shared.location(field), mode),))
            shared = shared_of(obj, site)
            if where == _MAYBE_ON_CLASS and mode == READ:
                fields = dict_of(obj)
                if fields is None or attribute not in fields:
                    for cls in bases_of(type(obj)) or ():
                        if attribute in namespace_of(cls):
                            above = shared_of(cls, site)
                            return interned(
                                shared, (site, "class"), kind,
                                ((shared.location(field), mode), (above.location(field), mode)),
                            )  # fmt: skip
                return interned(
                    shared, (site, "own"), kind, ((shared.location(field), mode),), site
                )
            return interned(shared, site, kind, ((shared.location(field), mode),))

        def interned(
            shared: SharedObject, key: Any, kind: str, accesses: Any, site: int | None = None
        ) -> Operation:
            found = shared.operations.get(key)
            if found is None:
                if site is None:
                    site = key if isinstance(key, int) else key[0]
                found = shared.operations[key] = Operation(kind, accesses, site=site)
            return found

        def attr(obj: Any, attribute: str, site: int) -> Any:
            if machine.watching:
                shared = by_id.get(id(obj))
                if shared is not None:
                    operation = shared.operations.get(site)
                    if operation is not None:
                        access(operation, obj)
                        return obj
                where = placements.get((type(obj), attribute))
                if where is None:
                    where = placement(type(obj), attribute)
                if where != _SILENT or attribute == "__dict__":
                    operation = attribute_operation(obj, attribute, site, READ, where)
                    if operation is not None:
                        access(operation, obj)
            return obj

        def attr_store(obj: Any, attribute: str, site: int) -> None:
            shared = by_id.get(id(obj))
            if shared is not None:
                operation = shared.operations.get(site)
                if operation is not None:
                    access(operation, obj)
                    return
            where = placement(type(obj), attribute)
            if where == _MAYBE_ON_CLASS:
                where = _ON_INSTANCE
            operation = attribute_operation(obj, attribute, site, WRITE, where)
            if operation is not None:
                access(operation, obj)

        def attr_set(value: Any, obj: Any, attribute: str, site: int) -> Any:
            if type(value) not in IMMUTABLE and machine.active and not machine.truncated:
                name_value(value, site, obj)
            if machine.watching:
                attr_store(obj, attribute, site)
            return value

        def attr_at(obj: Any, attribute: str, site: int) -> Any:
            if machine.watching:
                attr_store(obj, attribute, site)
            return obj

        def attr_aug(value: Any, obj: Any, attribute: str, site: int) -> Any:
            if machine.watching:
                attr_store(obj, attribute, site)
            return value

        # -- containers --------------------------------------------------------------------------

        def operation_of(obj: Any, footprint: Any, kind: str, site: int) -> Operation:
            holder = effects.underlying(obj)
            shared = by_id.get(id(holder))
            if shared is None:
                wrapped = holder is not obj and watched_kind(obj) != "view"
                label = name_of(type(obj)) if wrapped else ""
                shared = name_object(holder, machine.current.tid, site, label)
            key = (site, kind, footprint)
            operation = shared.operations.get(key)
            if operation is None:
                # A key that is an object goes by its name, which the next execution knows too.
                fields = tuple((field_of(field, site), mode) for field, mode in footprint)
                key = (site, kind, fields)
                operation = shared.operations.get(key)
            if operation is None:
                accesses = tuple((shared.location(field), mode) for field, mode in fields)
                operation = shared.operations[key] = Operation(kind, accesses, site=site)
            return operation

        def field_of(field: Any, site: int) -> Any:
            if type(field) is effects.ByIdentity:
                return shared_of(field.key, site)
            if type(field) is int and field in identified:
                return by_id.get(field, field)
            if type(field) is tuple:
                return tuple([field_of(part, site) for part in field])
            return field

        identified: set[int] = set()

        def ident(obj: Any, site: int) -> Any:
            """`id(obj)`: the number is another one next time, the object's name is not."""
            if machine.active and not machine.truncated and type(obj) not in SCALARS:
                shared_of(obj, site)
                identified.add(id(obj))
            return obj

        def rank(obj: Any, site: int) -> int:
            """`id(obj)`, where only the order matters: it is the same in every execution."""
            if not machine.active or type(obj) in SCALARS:
                return id(obj)
            known = obj._state_location.owner if issubclass(type(obj), Primitive) else None
            return rank_among(known or shared_of(obj, site))

        def rank_of(obj: Any) -> int:
            """`rank` as a function: `key=id`."""
            return rank(obj, 0)

        def act(
            effect: Callable[..., Any], obj: Any, args: tuple[Any, ...], kind: str, site: int
        ) -> None:
            """Announce the operation whose footprint is `effect(obj, *args)`."""
            footprint = effect(obj, *args)
            if not footprint:
                return
            operation = operation_of(obj, footprint, kind, site)
            if reserve(operation):
                footprint = effect(obj, *args)
                operation = operation_of(obj, footprint, kind, site)
            commit(operation, obj)

        def together(operation: Operation, accesses: Iterable[Access]) -> Operation:
            """`operation` with further accesses, of places that it does not touch yet."""
            further = tuple(a for a in accesses if a[0] not in operation.locations)
            if not further:
                return operation
            key = (operation, further)
            found = joint.get(key)
            if found is None:
                everything = operation.accesses + further
                found = joint[key] = Operation(operation.kind, everything, site=operation.site)
            return found

        def act_on_all(
            effect: Callable[..., Any], obj: Any, args: tuple[Any, ...], others: tuple[Any, ...],
            kind: str, site: int,
        ) -> None:  # fmt: skip
            """As `act`; the operation looks at all of the `others` besides."""

            def whole_operation() -> Operation | None:
                footprint = effect(obj, *args)
                if footprint is None:
                    return None
                operation = operation_of(obj, footprint, kind, site)
                accesses: list[Access] = []
                for other in others:
                    content = effects.read_all(other)
                    if content:
                        accesses.extend(operation_of(other, content, kind, site).accesses)
                return together(operation, accesses)

            operation = whole_operation()
            if operation is None or not operation.accesses:
                return
            if reserve(operation):
                operation = whole_operation() or operation
            commit(operation, obj)

        load_item, store_item = effects.load_item, effects.store_item
        kinds: dict[type, str | None] = {}

        def kind_of(tp: type) -> str | None:
            found = kinds[tp] = effects.kind_of(tp)
            return found

        def watched_kind(obj: Any) -> str | None:
            tp = type(obj)
            try:
                return kinds[tp]
            except KeyError:
                return kind_of(tp)

        def item(obj: Any, key: Any, site: int) -> Any:
            if machine.watching and watched_kind(obj) is not None:
                act(load_item, obj, (key,), "read", site)
                if issubclass(type(obj), defaultdict):
                    fill(obj, key, site)
            return obj

        def fill(obj: Any, key: Any, site: int) -> None:
            """Do what a `defaultdict` does about a missing key, if others may run meanwhile."""
            factory = effects.factory_in_python(obj)
            if (
                factory is None
                or lookup(type(obj), "__missing__") is not defaultdict.__missing__
                or lookup(type(obj), "__getitem__") is not dict.__getitem__
                or dict.__contains__(obj, key)
            ):
                return
            value = factory()
            name(value, site)
            if sys.version_info >= (3, 14):
                act(effects.method_effects, obj, ("setdefault", (key, value), False), "write", site)
                obj.setdefault(key, value)
            else:
                act(store_item, obj, (key,), "write", site)
                obj[key] = value

        def item_set(value: Any, obj: Any, key: Any, site: int) -> Any:
            if type(value) not in IMMUTABLE and machine.active and not machine.truncated:
                name_value(value, site)
            if machine.watching and watched_kind(obj) is not None:
                act(store_item, obj, (key,), "write", site)
            return value

        def item_at(obj: Any, key: Any, site: int) -> Any:
            if machine.watching and watched_kind(obj) is not None:
                if sites[site].kind.endswith("del"):
                    act(effects.delete_item, obj, (key,), "delete", site)
                else:
                    act(store_item, obj, (key,), "write", site)
            return obj

        def item_aug(value: Any, obj: Any, key: Any, site: int) -> Any:
            if machine.watching and watched_kind(obj) is not None:
                act(store_item, obj, (key,), "write", site)
            return value

        def both(obj: Any, key: Any, site: int) -> tuple[Any, Any]:
            """For `getitem(*both(obj, key, site))`, where the key cannot be mentioned twice."""
            item(obj, key, site)
            return obj, key

        def whole(obj: Any, site: int) -> Any:
            if machine.watching and watched_kind(obj) is not None:
                act(effects.read_all, obj, (), "read", site)
            return obj

        def whole_at(obj: Any, site: int) -> Any:
            if machine.watching and watched_kind(obj) is not None:
                act(effects.mutate_all, obj, (), "write", site)
            return obj

        def read(obj: Any, site: int) -> Any:
            if machine.watching and watched_kind(obj) is not None:
                act(effects.read_all, obj, (), "read", site)
            return obj

        def mutate(obj: Any, site: int) -> Any:
            if machine.watching and watched_kind(obj) is not None:
                act(effects.mutate_all, obj, (), "write", site)
            return obj

        def aug(value: Any, obj: Any, site: int) -> Any:
            """`obj += value`, where obj is changed in place if it is a container."""
            if machine.watching and watched_kind(obj) is not None:
                act_on_all(effects.mutate_all, obj, (), containers_in((value,), obj), "write", site)
            return value

        def containers_in(values: tuple[Any, ...], apart_from: Any) -> tuple[Any, ...]:
            kept = (value for value in values if value is not apart_from)
            return tuple(value for value in kept if watched_kind(value) not in (None, "iterator"))

        def length(obj: Any, site: int) -> Any:
            if machine.watching and watched_kind(obj) is not None:
                act(effects.length, obj, (), "len", site)
            return obj

        def truth(obj: Any, site: int) -> Any:
            if machine.watching and watched_kind(obj) is not None:
                act(effects.truth, obj, (), "truth", site)
            return obj

        def contains(obj: Any, key: Any, site: int) -> Any:
            if machine.watching and watched_kind(obj) is not None:
                act(effects.contains, obj, (key,), "contains", site)
            return obj

        def meth(obj: Any, method: str, site: int, *args: Any, more: bool = False) -> Any:
            if method in STORING_METHODS and machine.active and not machine.truncated:
                for value in args:
                    if type(value) not in IMMUTABLE:
                        name_value(value, site)
            if machine.watching:
                if watched_kind(obj) is not None:
                    footprint = effects.method_effects(obj, method, args, more)
                    if footprint is not None:
                        effect, known = effects.method_effects, (method, args, more)
                        if method in ABSORBING and (others := containers_in(args, obj)):
                            act_on_all(effect, obj, known, others, method, site)
                        else:
                            act(effect, obj, known, method, site)
                        return obj
                attr(obj, method, site)
                for value in args:
                    given(value, obj, method, site)
            return obj

        def given(value: Any, obj: Any, method: str, site: int) -> Any:
            """An argument of `obj.method`: if that is not watched, it looks at the argument."""
            if (
                machine.watching
                and watched_kind(value) not in (None, "iterator")
                and foreign.is_method(obj, method)
            ):
                act(effects.read_all, value, (), "read", site)
            return value

        def meth_arg(
            value: Any, obj: Any, method: str, site: int, *args: Any,
            at: int | None = None, more: bool = False,
        ) -> Any:  # fmt: skip
            if at is not None and at == len(args):
                args = (*args, value)
            else:
                more = True
            meth(obj, method, site, *args, more=more)
            return value

        def taken(value: Any, site: int) -> Any:
            """A method of a container as a value: whoever calls it, the call is announced."""
            if type(value) not in NATIVE or not machine.active or machine.truncated:
                return value
            obj = value.__self__
            if watched_kind(obj) is None:
                return value
            return TakenMethod(value, partial(meth, obj, value.__name__, site))

        def receiver(obj: Any, method: str, site: int) -> Any:
            """For `bind(receiver(obj, 'm', site).m, 'm', site, arguments)()`."""
            if machine.watching and watched_kind(obj) is None:
                attr(obj, method, site)
            return obj

        def bind(bound: Any, method: str, site: int, /, *args: Any, **kwargs: Any) -> Any:
            """The call of a method, announced; made without a frame of ours below the method's."""
            if type(bound) in BOUND:
                obj = bound.__self__
                if not machine.watching or watched_kind(obj) is not None:
                    meth(obj, method, site, *args, more=bool(kwargs))
                else:
                    for value in (*args, *kwargs.values()):
                        if method in STORING_METHODS:
                            name(value, site)
                        given(value, obj, method, site)
            return partial(bound, *args, **kwargs) if callable(bound) else bound

        def snapshot(obj: Any, site: int, deep: bool) -> Any:
            """`copy.copy(obj)` and the like look at all attributes, and at what is in them."""

            def accesses() -> Iterator[Access]:
                todo, seen = [obj], set[int]()
                while todo and len(seen) < MAX_NAMED:
                    value = todo.pop()
                    tp = type(value)
                    if tp in SCALARS or id(value) in seen:
                        continue
                    seen.add(id(value))
                    kind = watched_kind(value)
                    if kind is not None:
                        content = None if kind == "iterator" else effects.read_all(value)
                        if content:
                            yield from operation_of(value, content, "read", site).accesses
                        inside = value.values() if tp is dict else value if tp is list else ()
                    elif tp is tuple:
                        inside = value
                    else:
                        parts = attributes_of(value)
                        owner = shared_of(value, site) if parts else None
                        for part in parts:
                            assert owner is not None
                            yield owner.location(Attribute(part)), READ
                        inside = parts.values()
                    if deep or tp is tuple:
                        todo.extend(inside)

            def whole_operation() -> Operation | None:
                found = dict(accesses())
                if not found:
                    return None
                (first, mode), *others = found.items()
                key = (site, first.field)
                return together(interned(first.owner, key, "read", ((first, mode),), site), others)

            operation = whole_operation() if machine.watching else None
            if operation is not None:
                if reserve(operation):
                    operation = whole_operation() or operation
                commit(operation, obj)
            return obj

        def attributes_of(obj: Any) -> dict[str, Any]:
            """The attributes of an instance that are stored in it, without running its code."""
            tp = type(obj)
            if tp in IMMUTABLE or issubclass(tp, FUNCTION_LIKE) or home_of(tp) == "builtins":
                return {}
            found: dict[str, Any] = {}
            for cls in bases_of(tp) or ():
                for attribute, member in namespace_of(cls).items():
                    if type(member) is types.MemberDescriptorType:
                        try:
                            found[attribute] = member.__get__(obj, tp)
                        except AttributeError:
                            pass  # it has no value at present
                    elif attribute == "__dict__" and type(member) is types.GetSetDescriptorType:
                        found.update(member.__get__(obj, tp))
            return found

        # -- iteration ---------------------------------------------------------------------------

        def iterate(obj: Any, site: int) -> Any:
            if not machine.watching:
                return obj
            if type(obj) in ENDLESS and sites[site].loop is not None and sys.getrefcount(obj) <= 2:
                return in_rounds(obj, site) if is_endless(obj) else obj
            if type(obj) in walks:
                return step_iterator(obj, site)
            kind = watched_kind(obj)
            # Two references: the caller's stack and the parameter.  Nobody else has it; but a
            # view made just now stands for a dict that others may have.
            if kind is None or (kind != "view" and sys.getrefcount(obj) <= 2):
                return obj
            if kind == "iterator":
                return WatchedIterator(obj, site)
            act(effects.start_of_iteration, obj, (), "iterate", site)
            return walk(obj, site, iter(obj))

        def iterator_of(obj: Any, site: int) -> Any:
            """`iter(obj)`; an iterator gives itself, which the program may well test."""
            return (
                obj if machine.watching and watched_kind(obj) == "iterator" else iterate(obj, site)
            )

        def iterate_each(obj: Any, site: int) -> Any:
            """`chain.from_iterable(obj)`, `zip(*obj)`: what is in there is iterated over, too."""
            if not machine.watching or (watched_kind(obj) is None and type(obj) is not tuple):
                return obj
            return map(partial(iterate, site=site), iterate(obj, site))

        def backwards(obj: Any, site: int) -> Any:
            """`reversed(obj)`"""
            if not machine.watching or watched_kind(obj) not in REVERSIBLE:
                return obj
            act(effects.length, obj, (), "iterate", site)
            return walk(obj, site, reversed(obj), backwards=True)

        def step_iterator(obj: Any, site: int) -> Any:
            if type(obj) in walks:
                obj.hold(site)
            elif machine.watching and watched_kind(obj) == "iterator":
                shared = shared_of(obj, site)
                if type(obj) is types.GeneratorType and obj.gi_frame is not None:
                    entered[id(obj.gi_frame)] = weakref.ref(obj)
                access(interned(shared, site, "next", ((shared.location(STATE), WRITE),)), obj)
            return obj

        def yielding(value: Any, site: int) -> Any:
            """A generator is about to be left; up to now, nobody else could enter it."""
            if entered and machine.watching:
                frame = getframe(1)
                found = entered.get(id(frame))
                generator = None if found is None else found()
                if generator is not None and generator.gi_frame is frame:
                    shared = shared_of(generator, site)
                    operation = interned(
                        shared, (site, "yield"), "yield", ((shared.location(STATE), WRITE),)
                    )
                    access(operation, generator)
            return value

        def iteration_effect(container: Any, position: int) -> effects.Footprint | None:
            kind = watched_kind(container)
            if kind == "view":
                return effects.read_all(container)
            if kind in ("dict", "set") or not 0 <= position < len(container):
                return effects.end_of_iteration(container)
            return effects.step(container, position, False)

        # Both are maps of the last of their arguments, so that it is C code that takes the next
        # element: what goes wrong there has no frame of ours in its traceback.
        second: Any = {}.get
        """`second(None, value)` is the value."""

        class WatchedIterator(map):  # type: ignore[type-arg]
            """An iterator that may be shared: taking the next element is an operation."""

            __slots__ = ("__weakref__", "_native")
            _native: Iterator[Any]

            def __new__(cls, native: Iterator[Any], site: int) -> WatchedIterator:
                self = super().__new__(cls, second, Entries(native, site), native)
                self._native = native
                return self

            def __getattr__(self, name: str) -> Any:
                return getattr(self._native, name)  # send, throw and close, for `yield from`

        class Entries:
            """Announces each time that the next element of an iterator is taken."""

            __slots__ = ("_native", "_site")

            def __init__(self, native: Iterator[Any], site: int) -> None:
                self._native = native
                self._site = site

            def __iter__(self) -> Entries:
                return self

            def __next__(self) -> None:
                step_iterator(self._native, self._site)

        class WatchedRounds(map):  # type: ignore[type-arg]
            """An iterator that never ends, and that nobody else has: taking the next element begins
            a round of a loop that has no head in the source."""

            __slots__ = ()

        class Heads:
            """Announces each time that the next element of such an iterator is taken."""

            __slots__ = ("_loop", "_site")

            def __init__(self, loop: Loop, site: int) -> None:
                self._loop = loop
                self._site = site

            def __iter__(self) -> Heads:
                return self

            def __next__(self) -> None:
                at_loop_head(machine, self._site, self._loop, id(self), getframe(1))

        def in_rounds(native: Iterator[Any], site: int) -> WatchedRounds:
            loop = sites[site].loop
            assert loop is not None
            # Its elements may make the rounds different, if they differ themselves.
            if loop.counted and type(native) not in COUNTING:
                loop = replace(loop, counted=False)
            return WatchedRounds(second, Heads(loop, site), native)

        class WatchedIteration(map):  # type: ignore[type-arg]
            """A walk over a container: each step looks at it."""

            __slots__ = ("__weakref__", "_native", "_steps")
            _native: Iterator[Any]
            _steps: Steps

            def __new__(cls, steps: Steps, native: Iterator[Any]) -> WatchedIteration:
                self = super().__new__(cls, second, steps, native)
                self._native, self._steps = native, steps
                return self

            def hold(self, site: int) -> None:
                """Others may take steps: how far the walk has come is a place of its own."""
                if machine.watching and not self._steps.own:
                    shared = name_object(self, machine.current.tid, site, "iterator")
                    self._steps.own = ((shared.location(STATE), WRITE),)

            def __reversed__(self) -> WatchedIteration:
                return self  # `reversed` has been told of the container already

            def __length_hint__(self) -> Any:
                hint = getattr(self._native, "__length_hint__", None)
                return NotImplemented if hint is None else hint()

            def __reduce__(self) -> Any:
                return self._native.__reduce__()

        kinds_of_walks: dict[type, type[WatchedIteration]] = {}
        walks: set[type] = set()

        def walk(
            container: Any, site: int, native: Iterator[Any], backwards: bool = False
        ) -> WatchedIteration:
            """A watched iterator that is called what the native one is called."""
            kind = type(native)
            found = kinds_of_walks.get(kind)
            if found is None:
                namespace = {"__slots__": (), "__module__": kind.__module__}
                found = type(kind.__name__, (WatchedIteration,), namespace)
                kinds_of_walks[kind] = found
                walks.add(found)
            return found(Steps(container, site, backwards), native)

        class Steps:
            """Announces the steps of a walk, one after the other."""

            __slots__ = ("_container", "_position", "_site", "_stride", "own")

            def __init__(self, container: Any, site: int, backwards: bool) -> None:
                self._container = container
                self._site = site
                self._position = len(container) - 1 if backwards else 0
                self._stride = -1 if backwards else 1
                self.own: tuple[Access, ...] = ()

            def step(self) -> Operation | None:
                footprint = iteration_effect(self._container, self._position)
                if footprint is None:
                    return None
                operation = operation_of(self._container, footprint, "iterate", self._site)
                return together(operation, self.own)

            def __iter__(self) -> Steps:
                return self

            def __next__(self) -> None:
                if machine.watching:
                    if self.own:
                        operation = self.step()
                        if operation is not None:
                            if reserve(operation):
                                operation = self.step() or operation
                            commit(operation, self._container)
                        self._position += self._stride
                    else:
                        position = self._position
                        self._position = position + self._stride
                        act(iteration_effect, self._container, (position,), "iterate", self._site)

        # -- variables ---------------------------------------------------------------------------

        def global_operation(site: int, mode: int) -> Operation:
            place = sites[site]
            shared = machine.naming.object(
                ("module", place.module), "" if place.module == "__main__" else place.module
            )
            names = place.targets or (place.name,)
            accesses = tuple((shared.location(Attribute(name)), mode) for name in names)
            kind = "write" if mode == WRITE else "read"
            found = variables[site] = Operation(kind, accesses, site=site)
            return found

        def glob(site: int) -> None:
            if machine.watching:
                operation = variables.get(site)
                if operation is None:
                    operation = global_operation(site, READ)
                access(operation, None if machine.observer is None else getframe(1))

        def glob_set(value: Any, site: int) -> Any:
            if type(value) not in IMMUTABLE and machine.active and not machine.truncated:
                name_value(value, site)
            if machine.watching:
                operation = variables.get(site)
                if operation is None:
                    operation = global_operation(site, WRITE)
                access(operation, None if machine.observer is None else getframe(1))
            return value

        def glob_mark(site: int) -> None:
            glob_set(None, site)

        def new_scope(site: int) -> SharedObject | None:
            if not machine.active or machine.truncated:
                return None
            shared = objects.numbered(machine.current.tid, f"scope {site}")
            shared.label = ""
            return shared

        def cell_operation(scope: SharedObject, site: int, mode: int) -> Operation:
            operation = scope.operations.get(site)
            if operation is None:
                kind = "write" if mode == WRITE else "read"
                accesses = ((scope.location(Attribute(sites[site].name)), mode),)
                operation = scope.operations[site] = Operation(kind, accesses, site=site)
            return operation

        def cell(scope: SharedObject | None, site: int) -> None:
            if machine.watching and scope is not None:
                operation = cell_operation(scope, site, READ)
                access(operation, None if machine.observer is None else getframe(1))

        def cell_set(value: Any, scope: SharedObject | None, site: int) -> Any:
            if type(value) not in IMMUTABLE and machine.active and not machine.truncated:
                name_value(value, site)
            if machine.watching and scope is not None:
                operation = cell_operation(scope, site, WRITE)
                access(operation, None if machine.observer is None else getframe(1))
            return value

        def cell_mark(scope: SharedObject | None, site: int) -> None:
            cell_set(None, scope, site)

        def names_set(value: Any, where: tuple[int, ...], scopes: Any = None) -> Any:
            if machine.watching:
                for position, site in enumerate(where):
                    scope = scopes[position] if scopes else None
                    if scope is None:
                        glob_set(None, site)
                    else:
                        cell_set(None, scope, site)
            return value

        # -- the rest ----------------------------------------------------------------------------

        def attr_dyn(obj: Any, attribute: Any, site: int) -> Any:
            if type(attribute) is str and machine.watching:
                where = placement(type(obj), attribute)
                if where != _SILENT:
                    operation = attribute_operation(obj, attribute, site, READ, where)
                    if operation is not None:
                        access(operation, obj)
            return obj

        def attr_dyn_at(obj: Any, attribute: Any, site: int) -> Any:
            if type(attribute) is str and machine.watching:
                where = placement(type(obj), attribute)
                if where == _MAYBE_ON_CLASS:
                    where = _ON_INSTANCE
                operation = attribute_operation(obj, attribute, site, WRITE, where)
                if operation is not None:
                    access(operation, obj)
            return obj

        def match(obj: Any, site: int, positions: int, *names: str) -> Any:
            """The subject of class patterns with these keywords and so many positional ones."""
            if machine.watching:
                by_position = lookup(type(obj), "__match_args__")
                if type(by_position) is not tuple:
                    by_position = ()
                operation = None
                for attribute in (*names, *by_position[:positions]):
                    where = placement(type(obj), attribute)
                    if where in (_ON_INSTANCE, _MAYBE_ON_CLASS):
                        shared = shared_of(obj, site)
                        accesses = ((shared.location(Attribute(attribute)), READ),)
                        if operation is None:
                            operation = interned(shared, (site, attribute), "read", accesses)
                        else:
                            operation = together(operation, accesses)
                if operation is not None:
                    access(operation, obj)
            return obj

        def is_endless(obj: Any) -> bool:
            """Whether an iterator goes on for ever, by its type and what it says of its length."""
            if type(obj) is itertools.repeat:
                try:
                    obj.__length_hint__()
                except TypeError:
                    return True
                return False
            return type(obj) in ENDLESS

        def enter(iterable: Any, site: int) -> Any:
            if machine.recording:
                enter_loop(machine, site, iterable is not None and not is_endless(iterable))
            return iterable

        def loop(site: int) -> None:
            if machine.recording:
                # A loop that goes through something, and does not pause, is passed quickly.
                thread = machine.current
                rounds = thread.loops.get(site)
                if rounds.__class__ is Rounds and rounds.counted and rounds.naps == thread.naps:
                    if rounds.head == machine.step:
                        return
                    if rounds.switches == machine.switches:
                        first = machine.operations[rounds.head]
                        if first is not rounds.first:
                            rounds.first = first
                            rounds.head = machine.step
                            rounds.alike = 0
                            return
            shape = sites[site].loop
            assert shape is not None
            frame = getframe(1)
            at_loop_head(machine, site, shape, id(frame), frame)

        def again(site: int) -> None:
            shape = sites[site].loop
            assert shape is not None
            at_call(machine, site, shape, getframe(1))

        def forget_types() -> None:
            placements.clear()
            kinds.clear()
            identified.clear()
            foreign.forget()
            entered.clear()

        self.forget_types = forget_types
        return {
            "attr": attr, "attr_set": attr_set, "attr_at": attr_at, "attr_aug": attr_aug,
            "item": item, "item_set": item_set, "item_at": item_at, "item_aug": item_aug,
            "both": both, "getitem": operator.getitem, "whole": whole, "whole_at": whole_at,
            "read": read, "mutate": mutate, "len": length, "true": truth, "in": contains,
            "meth": meth, "meth_arg": meth_arg, "receiver": receiver, "bind": bind,
            "iter": iterate, "iterator": iterator_of, "next": step_iterator,
            "glob": glob, "glob_set": glob_set, "glob_mark": glob_mark, "new_scope": new_scope,
            "cell": cell, "cell_set": cell_set, "cell_mark": cell_mark, "names_set": names_set,
            "attr_dyn": attr_dyn, "attr_dyn_at": attr_dyn_at, "loop": loop, "name": name,
            "ident": ident, "rank": rank, "rank_of": rank_of, "snapshot": snapshot,
            "enter": enter, "again": again,
            "taken": taken,
            "aug": aug, "given": given, "match": match, "reversed": backwards,
            "iters": iterate_each, "yield": yielding,
        }  # fmt: skip

"""What one object keeps, as it was when it was found, and how that is put back."""

from __future__ import annotations

import types
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any

Put = Callable[[Any], Any]


class Kept:
    """A container as it was; `restore` makes it so again and tells whether it was not."""

    __slots__ = ("label",)

    def __init__(self, label: str) -> None:
        self.label = label

    def restore(self) -> bool:
        """Put the contents back; whether something had changed."""
        raise NotImplementedError


class KeptNamespace(Kept):
    """The globals of a module or the attributes of an object."""

    __slots__ = ("_contents", "_namespace")

    def __init__(self, label: str, namespace: dict[str, Any]) -> None:
        super().__init__(label)
        self._namespace = namespace
        self._contents = dict(namespace)

    def restore(self) -> bool:
        """Entry by entry: others may be looking something up."""
        now, before = self._namespace, self._contents
        if now.keys() == before.keys() and all(now[name] is before[name] for name in before):
            return False
        for name in [name for name in now if name not in before]:
            del now[name]
        for name, value in before.items():
            if name not in now or now[name] is not value:
                now[name] = value
        return True


class KeptDict(Kept):
    """A dict, its order included."""

    __slots__ = ("_dict", "_items", "_kind")

    def __init__(self, label: str, container: dict[Any, Any]) -> None:
        super().__init__(label)
        self._dict = container
        # The methods of `dict` would damage an `OrderedDict`, and do not know its order.
        self._kind: Any = OrderedDict if isinstance(container, OrderedDict) else dict
        self._items = list(self._kind.items(container))

    def restore(self) -> bool:
        """In the order that it had."""
        now = self._kind.items(self._dict)
        if len(now) == len(self._items) and all(
            k is key and v is value for (k, v), (key, value) in zip(now, self._items, strict=True)
        ):
            return False
        self._kind.clear(self._dict)
        for key, value in self._items:
            self._kind.__setitem__(self._dict, key, value)
        return True


class KeptSequence(Kept):
    """A list or a deque."""

    __slots__ = ("_elements", "_sequence")

    def __init__(self, label: str, sequence: Any) -> None:
        super().__init__(label)
        self._sequence = sequence
        self._elements = list(sequence)

    def restore(self) -> bool:
        """In place."""
        now, before = self._sequence, self._elements
        if len(now) == len(before) and all(a is b for a, b in zip(now, before, strict=True)):
            return False
        kind = list if isinstance(now, list) else deque
        kind.clear(now)
        kind.extend(now, before)
        return True


class KeptSet(Kept):
    """A set."""

    __slots__ = ("_elements", "_set")

    def __init__(self, label: str, container: set[Any]) -> None:
        super().__init__(label)
        self._set = container
        self._elements = frozenset(container)

    def restore(self) -> bool:
        """In place."""
        if len(self._set) == len(self._elements) and self._elements.issuperset(self._set):
            return False
        set.clear(self._set)
        set.update(self._set, self._elements)
        return True


class KeptBytes(Kept):
    """A bytearray."""

    __slots__ = ("_array", "_contents")

    def __init__(self, label: str, array: bytearray) -> None:
        super().__init__(label)
        self._array = array
        self._contents = bytes(array)

    def restore(self) -> bool:
        """In place."""
        if self._array == self._contents:
            return False
        self._array[:] = self._contents
        return True


class KeptClass(Kept):
    """The attributes of a class."""

    __slots__ = ("_attributes", "_class")

    def __init__(self, label: str, cls: type) -> None:
        super().__init__(label)
        self._class = cls
        self._attributes = dict(cls.__dict__)

    def restore(self) -> bool:
        """Attribute by attribute."""
        now, before = self._class.__dict__, self._attributes
        if len(now) == len(before) and all(now.get(name) is before[name] for name in before):
            return False
        changed = False
        for name in [name for name in now if name not in before]:
            if not is_cache(name):
                changed = True
                type.__delattr__(self._class, name)
        for name, value in before.items():
            if now.get(name, before) is not value and not is_cache(name):
                changed = True
                type.__setattr__(self._class, name, value)
        return changed


def is_cache(name: str) -> bool:
    """Whether an attribute of a class is kept by Python or `abc` for itself."""
    return name.startswith(("__", "_abc_"))


class KeptSlot(Kept):
    """A single place: a variable of a closure, a slot of an object, the defaults of a function."""

    __slots__ = ("_get", "_put", "_value")

    def __init__(self, label: str, get: Callable[[], Any], put: Put) -> None:
        super().__init__(label)
        self._get = get
        self._put = put
        self._value = get()

    def restore(self) -> bool:
        """Put the value back."""
        if self._get() is self._value:
            return False
        self._put(self._value)
        return True


class KeptDefaults(Kept):
    """The defaults of a function's parameters."""

    __slots__ = ("_defaults", "_function")

    def __init__(self, label: str, function: types.FunctionType) -> None:
        super().__init__(label)
        self._function = function
        self._defaults = function.__defaults__

    def restore(self) -> bool:
        """All of them."""
        now, before = self._function.__defaults__ or (), self._defaults or ()
        self._function.__defaults__ = self._defaults
        return len(now) != len(before) or any(a is not b for a, b in zip(now, before, strict=True))

"""What generated programs play with: objects that print whatever is done to them.

A rewritten program that evaluates something twice, not at all, or in another order prints
something else.  The stage is a module of its own, which is rewritten as well.
"""

STAGE = '''\
import asyncio, contextlib, dataclasses, enum, functools, sys, types
from collections import namedtuple

steps = 0
def tick(value=None):
    """Returns its argument, and ends a program that does not end by itself."""
    global steps
    steps += 1
    print("tick", steps)
    played = [v for v in vars(sys.modules["program"]).values() if type(v) in (list, dict)]
    if steps > 60 or max(map(len, played), default=0) > 99: raise RuntimeError("enough")
    return value

class Thing:
    shared = []
    __hidden = 5
    def __init__(self, n=0):
        self.n = n
        self.xs = [n, 1, 2]
        self.d = {"a": n, 0: 1}
        self.next = self
        self.__private = n
    def __repr__(self): return f"Thing({self.n})"
    def __bool__(self): print("bool", self.n); return bool(self.n)
    def __len__(self): print("len"); return len(self.xs)
    def __iter__(self): print("iter"); return iter(self.xs)
    def __contains__(self, item): print("contains"); return item in self.xs
    def __getitem__(self, key): print("get", key); return self.xs[key]
    def __setitem__(self, key, value): print("set", key, value); self.xs[key] = value
    def __delitem__(self, key): print("del", key); del self.xs[key]
    def __call__(self, *args, **kwargs): print("call", args, kwargs); return self
    def __eq__(self, other): print("eq"); return isinstance(other, Thing) and self.n == other.n
    def __hash__(self): print("hash"); return 1
    def __lt__(self, other): print("lt"); return self.n < getattr(other, "n", 0)
    def __add__(self, other): print("add"); return Thing(1)
    def __radd__(self, other): print("radd"); return other
    def __iadd__(self, other): print("iadd"); self.n = 3; return self
    def __sub__(self, other): print("sub"); return NotImplemented
    def __rsub__(self, other): print("rsub"); return Thing(2)
    def __or__(self, other): print("or"); return self
    def __matmul__(self, other): print("matmul"); return [self, other]
    def __imatmul__(self, other): print("imatmul"); return self
    def __neg__(self): print("neg"); return self.n
    def __index__(self): print("index"); return 1
    def __format__(self, spec): print("format", spec); return f"<{spec}>"
    def __enter__(self): print("enter"); return self
    def __exit__(self, kind, error, trace): print("exit", kind); return self.n == 0
    async def __aenter__(self): print("aenter"); return self.xs
    async def __aexit__(self, *what): print("aexit", what[0]); return False
    async def __anext__(self):
        print("anext")
        if not self.xs: raise StopAsyncIteration
        return self.xs.pop()
    def __aiter__(self): print("aiter"); return self
    def __await__(self): print("await"); yield; return self.n
    def __class_getitem__(cls, key): print("class getitem", key); return types.GenericAlias(cls, key)
    def private(self): self.__private = self.__private + self.__hidden; return self.__private
    def append(self, *items, **more): print("append", items, more); return self.private()
    def get(self, *items): print("get", items); return items[-1:]
    @property
    def prop(self): print("prop"); return self.d
    @prop.setter
    def prop(self, value): print("set prop", value); self.d = value
    @prop.deleter
    def prop(self): print("del prop")
    @functools.cached_property
    def cached(self): print("cached"); return [self.n]
    @classmethod
    def make(cls, *args): print(cls.__name__, args); return cls(*args[:1])
    @staticmethod
    def plain(*args): return args

class Data:
    def __init__(self, values): self.values = values
    def __set_name__(self, owner, name): print("set name", name); self.name = name
    def __get__(self, thing, owner=None): print("data get"); return self.values.get(id(thing), 0)
    def __set__(self, thing, value): print("data set", value); self.values[id(thing)] = value
    def __delete__(self, thing): print("data del"); self.values.pop(id(thing), None)

class Computed:
    def __get__(self, thing, owner=None): print("computed"); return [thing is None]

class Meta(type):
    @classmethod
    def __prepare__(meta, name, bases, **more): print("prepare", name, more); return Namespace()
    def __new__(meta, name, bases, namespace, **more):
        return super().__new__(meta, name, bases, dict(namespace))
    def __init__(cls, name, bases, namespace, **more): super().__init__(name, bases, namespace)
    def __iter__(cls): return iter([cls.__name__])
    def __contains__(cls, item): return item == 0

class Namespace(dict):
    def __setitem__(self, key, value):
        if not key.startswith("__"): print("bind", key)
        super().__setitem__(key, value)
    def __missing__(self, key):
        if key == "magic": return "magic"
        raise KeyError(key)

class Sub(Thing, metaclass=Meta, flag=1):
    n = Data({})
    computed = Computed()
    kept = [x for x in range(2)]
    def __init__(self, n=1): super().__init__(n); self.own = [super().__len__(), __class__.__name__]
    def __getattr__(self, name):
        if name.startswith("__"): raise AttributeError(name)
        print("getattr", name); return [name]
    def __setattr__(self, name, value): print("setattr", name); super().__setattr__(name, value)
    def __delattr__(self, name): print("delattr", name); super().__delattr__(name)

class Slotted:
    __slots__ = ("n", "__m", "next")
    __match_args__ = ("n", "next")
    def __init__(self, n=0, next=None): self.n = n; self.__m = [n]; self.next = next
    def __getattribute__(self, name): return object.__getattribute__(self, name)
    def __hash__(self): return 3
    def m(self): self.__m += [self.n]; return self.__m

@dataclasses.dataclass
class Point:
    """A point."""
    x: int
    y: "list[int]" = dataclasses.field(default_factory=list)

class Color(enum.Enum):
    RED = 1
    GREEN = RED + 1

Pair = namedtuple("Pair", "x y")

@contextlib.contextmanager
def managed(value):
    print("in"); yield value; print("out")

def numbers(n=3):
    """Yields numbers, and what is sent in."""
    for i in range(n):
        try:
            got = yield i
            if got is not None: print("got", got)
        except KeyError as error:
            print("thrown", error)
        finally:
            print("step", i)
    return [n]

async def later(value=None):
    await asyncio.sleep(0)
    return value

async def stream(n=2):
    for i in range(n):
        yield i

def keep(f): print("keep", getattr(f, "__name__", f)); return f
def marked(*args, **kwargs): return keep
'''

OPENING = """\
import asyncio, collections, contextlib, copy, dataclasses, enum, functools, heapq, inspect
import itertools, operator, sys, types, typing
from collections import deque
from stage import Color, Meta, Pair, Point, Slotted, Sub, Thing
from stage import keep, later, managed, marked, numbers, stream, tick
a, b, c, x = 1, [1, 2, 3], {"a": 1, 0: [2], "x": None}, 7
g = 0
t, s, k = Thing(2), Sub(1), Slotted(3)
"""

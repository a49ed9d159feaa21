"""Rewritten programs do what the plain ones do: same output, same errors, same lines."""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
import textwrap
import types
from collections.abc import Iterator

import pytest
from instrument.plain_and_rewritten import run_plain, run_rewritten

from raceproof.instrument.rewriting import rewrite

PROGRAMS = {
    "match": """
        class P:
            __match_args__ = ("x", "y")
            def __init__(self, x, y):
                self.x, self.y = x, y
        def f(v):
            global last
            match v:
                case 0 | -1: return "small"
                case [1, *rest] if rest: return rest
                case {"k": k, **rest}: return k, rest
                case P(x=0, y=last): return "P", last
                case P(a, b) if (c := a + b) > 3: return c
                case str() as s: return s.upper()
                case _: return None
        for v in (0, -1, [1], [1, 2], {"k": 1, "j": 2}, P(0, 2), P(2, 3), P(1, 1), "s", 3.5):
            print(f(v))
        print(last)
    """,
    "walrus": """
        def f(xs):
            if (n := len(xs)) > 2 and (m := xs[n - 1]):
                return [y := 1, y ** 2, m, n]
            return [(z := x) for x in xs if (w := x)], z, w
        print(f([1, 2, 3]), f([4, 5]))
        print([last := i for i in range(3)], last)
        while (n := last) > 0:
            last -= 1
            print(n)
    """,
    "comprehensions and closures": """
        def f(k):
            total = 0
            fs = [lambda x=i: x + i + k for i in range(3)]
            def g():
                nonlocal total
                total += sum(h() for h in fs)
                return {a: b for a, b in zip(range(total), fs[0:1])}, {c % 2 for c in range(total)}
            k = k + 1
            out = []
            for j in range(2):
                out.append(lambda: j)
            return g, out, [[(a, b) for a in range(b)] for b in range(3)]
        g, out, grid = f(2)
        print([x for x in g()[1]], [o() for o in out], grid)
        class C:
            xs = [1, 2]
            ys = [x * 2 for x in xs]
            zs = [[y for y in range(x)] for x in ys]
        print(C.ys, C.zs)
    """,
    "comprehension with computed keys": """
        def f(d, ks):
            return [d[k + 1] for k in ks if d[k - 1] or k + 1 in d], [
                d[x[0] + 1] for x in [d[1][i + 0] for i in range(1)] if x
            ]
        print(f({i: [[i, i]] for i in range(-2, 9)}, [1, 2]))
        f({1: 2}, [5])
    """,
    "async": """
        import asyncio
        class A:
            def __init__(self): self.n = 0
            async def __aenter__(self): self.n += 1; return self
            async def __aexit__(self, *e): self.n += 10
            def __aiter__(self): return self
            async def __anext__(self):
                self.n += 1
                if self.n > 5: raise StopAsyncIteration
                return self.n
        async def gen(k):
            for i in range(k):
                yield i
        async def main():
            async with A() as a:
                async for x in a:
                    print(x)
                else:
                    print("done")
            print([x async for x in gen(3) if x], {x: y async for x in gen(2) for y in range(x)})
            if await asyncio.sleep(0, result=a): print(a.n)
            return [await asyncio.sleep(0, i) for i in range(2)]
        print(asyncio.run(main()))
    """,
    "generators": """
        def g(xs):
            got = yield xs[0]
            while got:
                try:
                    got = yield got + xs[len(xs) - 1]
                except KeyError as e:
                    print("caught", e)
                    got = yield from inner(xs)
            return xs
        def inner(xs):
            yield from xs
            return 7
        it = g([1, 2])
        print(next(it), it.send(5), it.throw(KeyError("k")), next(it), next(it))
        it.close()
        print(list(x * 2 for x in inner([1, 2])), next(it, "end"))
    """,
    "decorators and defaults": """
        registry = {}
        def reg(name, **kw):
            def deco(f):
                registry[name] = f
                return f
            return deco
        class N: reg = staticmethod(reg)
        @reg("a", x=registry.get("x", [1][0]))
        @N.reg("b")
        def f(x=registry.setdefault("d", []), *, y={"k": 1}["k"]):
            x.append(y)
            return x
        @reg("c")
        class C: pass
        print(f(), f(), f.__name__, sorted(map(str, registry)))
    """,
    "stars": """
        def f(*a, k=1, **kw): return a, k, kw
        xs = [1, 2]; d = {"k": 3, "z": 4}
        print(f(*xs, 0, *range(2), **d), [*xs, *"ab"], {**d, "y": 1, **{}}, (*xs,), {*xs})
        a, *b = xs; (c, [d2, *e]), g = (1, [2, 3, 4]), 5
        print(a, b, c, d2, e, g)
        f(**{"a": 1}, **d)
        f(**d, **d)
    """,
    "chained comparison": """
        class T:
            def __init__(self, n): self.n = n
            def __lt__(self, o): print("lt", self.n, o.n); return self.n < o.n
            def __eq__(self, o): print("eq"); return NotImplemented
            def __hash__(self): print("hash"); return 1
            def __contains__(self, x): print("in", x); return []
        a, b, c = T(1), T(2), T(3)
        def f(): print("f"); return b
        print(a < f() < c, c < b < a, a < b in [b], a == b != c, 1 in a, f() not in {a: 1})
        print(not a, a and b is b, a is a is a)
    """,
    "augmented assignment": """
        log = []
        class L(list):
            def __iadd__(self, o): log.append(("iadd", o)); return super().__iadd__(o)
            def __getitem__(self, k): log.append(("get", k)); return list.__getitem__(self, k)
            def __setitem__(self, k, v): log.append(("set", k, v)); list.__setitem__(self, k, v)
        def k(n): log.append(n); return n
        class O: pass
        def f():
            o = O(); o.xs = xs = L([1, 2, 3]); o.o = o
            o.xs[k(1)] += k(5)
            o.o.xs += [k(6)]
            xs += [7]
            xs[0:2] += (1,)
            xs[k(-1)] -= 1
            t = (xs, 1)
            try: t[0] += [9]
            except TypeError as e: print(e)
            return list(xs)
        print(f()); print(log)
        x = L([1]); x[k(0)] += 1; x += x
        o = O(); o.o = o; o.o.n = 1; o.o.n += 1; o.o.o.n **= 3
        print(x, o.n); print(log)
    """,
    "augmented assignment of nothing": """
        def f():
            n += print("never")
        f()
    """,
    "del": """
        class C: pass
        c = C(); c.a = c.b = {"x": 1, "y": 2, "z": [1, 2, 3]}
        def f(i):
            del c.a["x"], c.a["z"][i - 1], (c.b["y"])
            del c.a["z"][:1]
            del c.a
            y = 1
            del y
            return y
        g = 0; del g
        def h(): return g
        try: h()
        except NameError as e: print(e)
        try: f(1)
        except UnboundLocalError as e: print(e)
        print(c.b, vars(c))
        del c.a
    """,
    "global and nonlocal": """
        n = 0
        xs = []
        def inc(by=1):
            global n, m
            n += by; m = n
            def g():
                global n
                n = n * 2
            g()
            for n in [n, n + 1]: pass
            with open(__import__("os").devnull) as m: pass
            import sys as m
            def n2(): return n
            return n2
        def outer():
            a = b = 0
            def f():
                nonlocal a, b
                a, (b, *c) = 1, (a, 2)
                try: raise KeyError(a)
                except KeyError as a: print(repr(a))
                return c
            try:
                print(f(), b)
                print(a)
            finally:
                print("finally")
        print(inc()(), inc(by=3)(), m.__name__)
        outer()
    """,
    "unbound closure variable": """
        def f():
            def g(): return x
            g()
            x = 1
            x = 2
        f()
    """,
    "try": """
        class E(Exception): pass
        def f(n):
            try:
                if n == 0: raise E("zero")
                if n == 1: return "one"
                if n == 2: {}["two"]
            except (E, KeyError) as e:
                print("caught", repr(e))
                if n == 2: raise E("again") from e
            else:
                print("else")
            finally:
                print("finally", n)
        print(f(0), f(1), f(3))
        try:
            raise ExceptionGroup("g", [ValueError(1), KeyError(2)])
        except* ValueError as g:
            print(g.exceptions)
        except* KeyError as g:
            print(g.exceptions)
        f(2)
    """,
    "f-strings": """
        class V:
            def __format__(self, spec): return f"<{spec!r}>"
        v = V(); w = 7; xs = [1, 2]
        d = {"k": "v"}
        print(f"{v:>{w}} {xs!r:>10} {d['k']} {w=} {xs[w - 6]} {(lambda: w)()} {{}} {w + 1:x}")
        print("%s %r" % (xs, d), "%(k)s" % d, "{} {x}".format(xs, x=w), "%s" % w)
    """,
    "classes": """
        class Meta(type):
            def __new__(m, name, bases, ns, **kw):
                print(name, sorted(k for k in ns if k not in ("__static_attributes__",
                      "__firstlineno__", "__qualname__", "__module__", "__classcell__")), kw)
                return super().__new__(m, name, bases, ns)
            @classmethod
            def __prepare__(m, name, bases, **kw): return {}
        class Base(metaclass=Meta, flag=[1][0]):
            '''doc'''
            __slots__ = ("a", "__b")
            def __init__(self): self.a = 1; self.__b = 2
            @property
            def b(self): return self.__b
            @b.setter
            def b(self, v): self.__b = v
            def who(self): return __class__.__name__, self.__class__.__name__
            def __getattr__(self, n):
                if n.startswith("_"): raise AttributeError(n)
                return n
        class Sub(Base):
            x = 1; y = [x, x]; x += 1
            if x: z = x
            for i in range(2): pass
            def __init__(self):
                super().__init__()
                super(Sub, self).__init__()
                self.b += 5
            def who(self): return super().who(), Base.who(self)
        s = Sub(); print(s.a, s.b, s.who(), s.other, Sub.y, Sub.z, Sub.i, Base.__doc__)
        s._nothing
    """,
    "descriptors": """
        class D:
            def __get__(self, o, t): print("get"); return 5
            def __set__(self, o, v): print("set", v)
            def __delete__(self, o): print("delete")
            def __set_name__(self, o, n): print(n)
        class C:
            d = D()
            def __setattr__(self, n, v): print("setattr", n); object.__setattr__(self, n, v)
        c = C(); c.d = c.d + 1; c.d += 1; del c.d; c.e = [c.d]
        print(hasattr(c, "d"), getattr(c, "zz", 3)); setattr(c, "e", 4); delattr(c, "e")
        c.e
    """,
    "name mangling": """
        __x = 5
        _C__x = 6
        class C:
            __y = 7
            def f(self, __p=1):
                global __g
                __g = __p
                self.__z = __x + self.__y + __g
                def h():
                    nonlocal __p
                    __p += 1
                    return __p
                return h() + self.__z, getattr(self, "_C__z")
        print(C().f(), _C__g, sorted(n for n in dir(C) if "C__" in n))
    """,
    "locals": """
        def f(a, d):
            b = d[a + 1]
            def g(): return b
            b = 2
            d["x" + "y"].append(len(d))
            exec("c = 1")
            return sorted(locals()), eval("a + b")
        print(f(1, {2: 3, "xy": []}))
        class C:
            v = {"a": [1]}["a"][0] + 1
            names = sorted(k for k in locals() if not k.startswith("__"))
        print(C.names)
        print(sorted(k for k in globals() if not k.startswith("__")))
    """,
    "super without arguments in nested code": """
        class A:
            def f(self): return ["A"]
            def append(self, x): return ("append", x)
            n = 3
        class B(A):
            def f(self):
                xs = [super(B, self).f() for _ in range(1)]
                return xs + super().f() + [super().append(len(xs)), super().n]
        print(B().f())
    """,
    "iteration": """
        class It:
            def __init__(self, n): self.n = n
            def __iter__(self): print("iter"); return self
            def __next__(self):
                self.n -= 1
                if self.n < 0: raise StopIteration
                return self.n
        class Seq:
            def __getitem__(self, i):
                if i > 2: raise IndexError
                return i
            def __len__(self): return 3
        for a, b in zip(It(3), Seq()): print(a, b)
        else: print("else")
        print(list(reversed(Seq())), 1 in Seq(), 2 in It(4), *It(2), sum(It(3)))
        print(dict(zip("ab", It(2))), dict.fromkeys(It(1)))
        d = {"a": 1}
        for k, v in d.items(): d[k] = v + 1
        for d["z"] in range(3): pass
        print(d, max(d), min(d.values()), sorted(d, key=d.get), any(d), all([]))
        for k in d: d[k + "x"] = 1
    """,
    "truth": """
        class B:
            def __init__(self, v): self.v = v
            def __bool__(self): print("bool", self.v); return self.v
        t, f = B(True), B(False)
        print((t and f) is f, (f or t) is t, not t, (f if t else t) is f, bool(t))
        if t and not f or t: print("yes")
        while f or not t: pass
        n = 3
        while True:
            n -= 1
            if not n: break
            if n % 2: continue
        else: print("never")
        assert t, "fine"
        print([x.v for x in (t, f) if x], (x := f) or 1)
        assert f and t, [f.v]
    """,
    "function that ends in while": """
        def f(xs):
            while True:
                if xs.pop() == 1:
                    return xs
        print(f([1, 2, 3]))
        f([])
    """,
    "standard library": """
        import heapq, bisect, random, copy, json, os.path, collections
        from collections import Counter, deque as dq, OrderedDict
        class H: pass
        h = H(); h.xs = []
        def f():
            heapq.heappush(h.xs, (len(h.xs) + 1, "a")); heapq.heappush(h.xs, (0, "b"))
            bisect.insort(h.xs, (5, "c")); heapq.heapify(h.xs)
            c = Counter("abca"); c.update("zz"); c["q" + "r"] += 1
            q = dq([1, 2], maxlen=2); q.append(3); q.extendleft(map(int, "45")); q.rotate()
            return heapq.heappop(h.xs), sorted(c.items()), list(q), copy.deepcopy(h.xs)
        print(f(), json.dumps({"x": h.xs}), os.path.join("a", "b"), OrderedDict.fromkeys("ab"))
        print(", ".join(str(x) for x in h.xs), collections.deque(h.xs), "a,b".split(","))
        json.loads("{")
    """,
    "errors in the middle of a statement": """
        def f(o):
            return (
                o
                .a
                .missing
                .b(
                    1,
                    2)
            )
        class A: a = None
        f(A())
    """,
    "errors in a call over lines": """
        def f(xs):
            xs.append(
                1
            ); xs[
                len(xs) + 5
            ] = 3
        f([])
    """,
    "type error of an operand": """
        def f(a, b):
            x = [1]
            return a + b if x else \\
                a
        f([1], "s")
    """,
    "not callable": "x = {'a': None}\ndef f(): return x['a'](1)\nf()",
    "not iterable": "for i in len: pass",
    "recursion": "def f(n): return n and f(n - 1)\nprint(f(50))",
    "type aliases": """
        x: int = 1
        y: "undefined"
        class C:
            a: int
            b: list[int] = [1][:]
            def f(self, p: undefined2 = 1) -> None:
                self.q: undefined3 = p
                local: undefined4 = p
                return local
        print(C().f(), C.b)
        h: undefined5 = 3
    """,
    "future annotations": """
        '''doc'''
        from __future__ import annotations
        def f(x: undefined) -> "also": return f.__annotations__
        print(f(1), __doc__)
    """,
    "dataclasses and enums": """
        from __future__ import annotations
        import dataclasses, enum, functools, contextlib
        @dataclasses.dataclass(order=True)
        class P:
            x: int
            y: list = dataclasses.field(default_factory=list)
        class E(enum.Enum):
            A = 1
            B = A + 1
            def f(self): return self.value + 1
        @functools.lru_cache
        def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
        @contextlib.contextmanager
        def cm(x):
            try: yield x.append(1)
            finally: x.append(2)
        p = P(1)
        with cm(p.y) as r, cm(p.y): print(r)
        print(p, p < P(2), [e.f() for e in E], fib(20), E["A"], E(2))
        dataclasses.replace(p, z=1)
    """,
    "main block": """
        import threading
        n = 0
        def work():
            global n
            for _ in range(3): n += 1
        if __name__ == "program":
            ts = [threading.Thread(target=work) for _ in range(2)]
            for t in ts: t.start()
            for t in ts: t.join()
            print(n)
    """,
}

if sys.version_info >= (3, 12):
    PROGRAMS["type parameters"] = """
        type Pair[T] = tuple[T, list[T]]
        def first[T](xs: list[T], i: int = [0][0]) -> T: return xs[i - 0]
        class Box[T: (int, str)](dict[str, [int][0]]):
            kind = [T.__name__]
            def get2[U](self, k: U) -> U: return self.setdefault(str(k), len(self) + 1)
        print(first([3]), Box.kind, Box().get2(1), Pair.__type_params__[0].__name__)
        print([f"{x!r:{'>'}{len('abcd')}}" for x in ["a"]])
    """

if sys.version_info >= (3, 14):
    PROGRAMS["template strings"] = """
        xs = [1]; t = t"{xs!r:>3} {xs[0]}"
        print([i.value for i in t.interpolations], t.strings)
    """


@pytest.mark.parametrize("source", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_rewritten_program_does_the_same(source: str) -> None:
    source = textwrap.dedent(source).strip("\n")
    assert run_rewritten(source) == run_plain(source)


MODULES = [
    "_collections_abc",
    "argparse",
    "asyncio.base_events",
    "collections",
    "concurrent.futures.thread",
    "dataclasses",
    "enum",
    "functools",
    "heapq",
    "inspect",
    "json.decoder",
    "linecache",
    "logging",
    "pickle",
    "queue",
    "random",
    "threading",
    "typing",
    "unittest.mock",
]


def code_objects(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from code_objects(constant)


@pytest.mark.parametrize("name", MODULES)
def test_standard_library_module_compiles_to_the_same_blocks(name: str) -> None:
    module = importlib.import_module(name)
    source = inspect.getsource(module)
    file = module.__file__
    assert file is not None
    plain = list(code_objects(compile(source, file, "exec", dont_inherit=True)))
    result = rewrite(source, file, name, 1)
    changed = list(code_objects(compile(result.tree, file, "exec", dont_inherit=True)))
    assert [(c.co_qualname, c.co_firstlineno) for c in changed] == [
        (c.co_qualname, c.co_firstlineno) for c in plain
    ]
    # The compiler gives `while True` itself no code; `_rp_loop` has its line.
    loops = {n.test.lineno for n in ast.walk(ast.parse(source)) if isinstance(n, ast.While)}
    for before, after in zip(plain, changed, strict=True):
        assert lines(before) <= lines(after) <= lines(before) | loops
        assert before.co_flags == after.co_flags
        assert before.co_varnames[: before.co_argcount] == after.co_varnames[: after.co_argcount]
    assert all(0 < site.line <= len(source.splitlines()) for site in result.sites)


def lines(code: types.CodeType) -> set[int]:
    """The lines that a traceback could name; def and decorator lines depend on the version."""
    return {line for *_, line in code.co_lines() if line} - {code.co_firstlineno}

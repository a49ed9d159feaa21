"""Programs that look closely at how they are run see nothing of the hooks: tracebacks with columns,
names of variables and of types, the lines that a debugger is led through.

Each runs as it is, rewritten with hooks that do nothing, and rewritten in an execution.
"""

from __future__ import annotations

import textwrap

import pytest
from instrument.generated import comparison

PROGRAMS = {
    "spread arguments of lazy builtins": """
        rows = [[1, 2], (3, 4)]
        print(list(zip(*rows)), list(zip("ab", *rows)), list(zip(*[])), list(map(*[abs, [-1]])))
        print(list(enumerate(*[rows, 1])), list(filter(*(None, [0, 1]))), dict(zip(*rows)))
        def f(*args): return list(zip(*args)), list(map(str, *args[:1]))
        print(f(rows[0], rows[1]))
        try: zip(*5)
        except TypeError as e: show(e)
    """,
    "spread arguments of builtins that look at one object": """
        class A: n = 1
        xs = [A()]
        print(next(*[iter(xs), 2]) is xs[0], getattr(*xs, "n"), getattr(*[xs[0], "n"], None))
        setattr(*xs, "n", 2); setattr(xs[0], *("m", 3)); delattr(*xs, "m")
        print(id(*xs) == id(xs[0]), len(*[xs]), vars(*xs), bool(*[[]]), list(reversed(*[[1, 2]])))
        print(list(iter(*["ab"])), hasattr(*xs, "m"), sorted(*[[2, 1]]))
    """,
    "spread arguments of chain.from_iterable": """
        import itertools
        print(list(itertools.chain.from_iterable(*[["ab", "c"]])))
        print(list(itertools.chain(*["ab", "c"])), list(itertools.islice(*["abc", 2])))
    """,
    "errors of computed items where nothing can be kept": """
        d, xs = {}, [1]
        def one(): return 1
        try: d[one()]
        except KeyError as e: show(e)
        try: xs[0][one()]
        except TypeError as e: show(e)
        class C:
            try: xs[
                one() + 5
            ]
            except IndexError as e: show(e)
    """,
    "errors of method calls where nothing can be kept": """
        class A:
            xs = [1]
            def pop(self, *a, **k): raise ValueError(a, k)
            append = 5
        def one(): return 1
        def attempt(f):
            try: f()
            except Exception as e: show(e)
        try: A().xs.insert(one())
        except TypeError as e: show(e)
        try: A().pop(one(), *[one()], k=one())
        except ValueError as e: show(e)
        try: A().append(one())
        except TypeError as e: show(e)
        try: A().index(one())
        except AttributeError as e: show(e)
        class B:
            A().xs.append(one())
            print(A().xs)
    """,
    "errors over lines where nothing can be kept": """
        class A: xs = [1]
        def one(): return 1
        try:
            (A()
             .xs
             .pop(
                 one() + 7
             ))
        except IndexError as e: show(e)
    """,
    "who called a method where nothing can be kept": """
        import sys, warnings
        class A:
            def append(self, x): return sys._getframe(1).f_code.co_name, sys._getframe(1).f_lineno
        def one(): return 1
        print(A().append(one()))
    """,
    "a container that changes while it is iterated over": """
        import collections
        def f(xs):
            for x in xs:
                if type(xs) is dict: xs.pop(x, None)
                elif type(xs) is set: xs.discard(x)
                else: xs.pop()
        d, s, q = {1: 2, 3: 4}, {1, 2}, collections.deque([1, 2])
        for xs in (d, s, q):
            try: f(xs)
            except RuntimeError as e: show(e)
    """,
    "a generator that fails while another one runs it": """
        def inner(n):
            yield n
            raise ValueError(n)
        def outer(it):
            got = yield from it
            return got
        it = inner(1)
        def f():
            for x in it: print(x)
        try: f()
        except ValueError as e: show(e)
        other = inner(2)
        g = outer(other)
        print(next(g), g.gi_yieldfrom is not None)
        try: g.send(3)
        except ValueError as e: show(e)
    """,
    "an iterator is its own iterator": """
        xs = [1]
        def numbers():
            yield 1
        g = numbers()
        print(iter(g) is g, iter(xs) is xs, type(iter(xs)).__name__, repr(iter(xs))[:14])
        try: iter(xs) + 1
        except TypeError as e: show(e)
        it = iter(xs)
        print(next(it), next(it, None), it.__length_hint__(), iter(it) is it)
        g.close()
    """,
    "vars of what has none": """
        try: vars([])
        except TypeError as e: show(e)
        class A: __slots__ = ()
        try: vars(A())
        except TypeError as e: show(e)
    """,
    "variables of frames": """
        import inspect, sys, traceback
        def f(xs, k):
            n = 1
            def g():
                nonlocal n
                n += xs[k + 1]
                return sorted(sys._getframe().f_locals), sorted(sys._getframe(1).f_locals)
            xs[k + n] = xs[k - n]
            return g(), sorted(inspect.getclosurevars(g).nonlocals)
        print(f([1, 2, 3], 1))
    """,
    "local variables in a traceback": """
        import traceback
        def f(xs, k):
            return xs[k + 1].a
        try: f([1], 0)
        except Exception as e:
            stack = traceback.TracebackException.from_exception(e, capture_locals=True).stack
            print(stack[-1].locals)
    """,
    "statements over lines": """
        class A: pass
        def f(o, v, k):
            (
                o.
                a
            ) = (
                v
            )
            (
                o.
                a
            ) += (
                v
            )
            return (
                o.a
                .bit_length(
                ),
                o[
                    k
                ],
                o.get(
                    k + 1
                ),
            )
        class D(dict): pass
        print(f(D({2: 3}), 1, 2))
    """,
    "a variable of a closure that is declared first": """
        def f(n):
            total: int
            def g():
                nonlocal total
                total = total + n
                return total
            total = 0
            return g() + g()
        print(f(2))
    """,
    "a function that begins with a decorator": """
        def keep(f): return f
        def f(n):
            @keep
            def g():
                nonlocal n
                n += 1
                return n
            return g() + n
        print(f(2))
    """,
    "which line is warned of": """
        import warnings
        def old(xs, n):
            warnings.warn("old", DeprecationWarning, stacklevel=n)
            return xs
        class A:
            xs = [1]
            def old(self, n): return old(self.xs, n)
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            a = A()
            old([1], 1)[0]
            a.old(2).append(
                a.old(3)[0]
            )
            [a.old(2) for _ in range(2)]
        print([(w.lineno, w.filename, w.category.__name__) for w in seen])
    """,
    "what can be asked of functions and classes": """
        import doctest, inspect, pickle, sys, typing
        def f(a, /, b: int, *c, d: "list[int]" = [1][:1], **e) -> None:
            '''Doubles.

            >>> f(1, 2, d=[g[0]])
            2
            '''
            global n
            n = b
            print(d[0] * 2)
        g = [1]
        class P:
            '''A class.'''
            def __init__(self, x=1): self.x = [x]
            def __eq__(self, other): return self.x == other.x
            __hash__ = None
        print(inspect.signature(f), inspect.getsource(P), inspect.getsourcelines(f)[1], f.__doc__)
        print(typing.get_type_hints(f), f.__annotations__, f.__defaults__, f.__kwdefaults__)
        print(pickle.loads(pickle.dumps(P(3))) == P(3), pickle.loads(pickle.dumps(f)) is f)
        print(doctest.testmod(sys.modules[__name__]), inspect.getdoc(P), inspect.getmembers(P)[-1])
        print(f.__code__.co_varnames, f.__code__.co_freevars, dir())
    """,
    "names that a function sees": """
        def f(xs, k):
            n = 0
            def g():
                nonlocal n
                n += xs[k + 1].real
                show = locals
                return dir(), sorted(show()), sorted(vars())
            xs[k + n] = xs[k - n].real
            return g(), n
        class C:
            xs = [1, 2]
            xs[len(xs) - 1] = xs.pop(len(xs) - 1)
            names = sorted(locals()), dir()
        print(f([1, 2, 3], 1), C.names, [n for n in globals() if "rp" in n])
    """,
    "loops over displays": """
        def f(x):
            return {y for x in [1, 2] for y in [x]}, [z for z in (x, 2)]
        for q in [f(1)]: print(q)
        for q in *f(1), 3: print(q)
    """,
}

LED_ASTRAY = {"errors over lines where nothing can be kept"}
"""Programs in which a debugger goes back to the beginning of a statement once more."""


@pytest.mark.parametrize("name", PROGRAMS)
def test_program_sees_nothing_of_the_hooks(name: str) -> None:
    source = textwrap.dedent(PROGRAMS[name]).strip("\n") + "\n"
    comparison.give_source(source)
    plain = comparison.plain(source)
    assert comparison.rewritten(source) == plain
    assert comparison.executed(source) == plain
    if name not in LED_ASTRAY:
        assert comparison.rewritten_followed(source) == comparison.plain_followed(source)

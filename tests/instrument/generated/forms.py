"""The forms of expressions, patterns and statements that generated programs are made of.

In a form stand holes: `<e>` an expression, `<n>` a name, `<t>` a target, `<p>` a pattern, `<i>` a
small number, `<block>` (on a line of its own) some statements.  A second word in a hole says what
kind of block surrounds it: `<e gen>`, `<block class>`.
"""

NAMES = ["a", "b", "c", "x", "g", "t", "s", "k", "p", "q"]

ATOMS = [
    *NAMES,
    *["a", "b", "c", "t", "s", "k"],
    "0", "1", "-1", "2.5", "'a'", "b'x'", "None", "True", "...", "[]", "()", "{}", "set()",
    "[1, 2]", "(1, [2])", "{'a': [1]}", "'x' 'y'", "1j", "__debug__", "Color.RED", "Point(1, [2])",
    "Pair(0, b)", "Slotted(1, t)", "numbers()", "iter(b)", "range(2)", "__name__",
]  # fmt: skip

EXPRESSIONS = [
    # attributes, items, slices
    "<e>.n", "<e>.xs", "<e>.next.d", "<e>.prop", "s.computed", "s.<n>", "t.cached", "k.m()", "k.n",
    "<e>[<e>]", "<e>[0]", "<e>['a']", "<e>[<e>:]", "<e>[:<e>]", "<e>[<e>:<e>:<i>]", "t[<e>, <e>]",
    "<e>[::-1]", "t[<e>:, <i>]", "Thing[<e>]", "b[-1]", "c[0][0]", "t[*<e>]", "(<e>)[tick(0)]",
    # operators
    "<e> + <e>", "<e> - <e>", "<e> * 2", "<e> | <e>", "<e> & <e>", "<e> @ <e>", "<e> // 2",
    "<e> % 3", "2 ** <i>", "-<e>", "~<e>", "not <e>", "<e> << 1", "+<e>", "b + [<e>]",
    "<e> and <e>", "<e> or <e>", "<e> and <e> or <e>", "(<e> if <e> else <e>)",
    "<e> == <e>", "<e> != <e>", "<e> < <e>", "<e> < <e> <= <e>", "<e> in <e>", "<e> not in <e>",
    "<e> is <e>", "<e> is not None", "<e> < <e> in <e>", "<e> == <e> is <e> != <e>", "<e> in b",
    # calls
    "tick(<e>)", "tick(*<e>)", "t(<e>, *<e>, k=<e>, **<e>)", "t(*<e>, *<e>)", "t(**c, z=<e>)",
    "t.append(<e>, k=<e>)", "t.append(1, *<e>)", "t.get(<e>, <e>)", "Thing.make(<e>)",
    "b.append(<e>)", "b.extend(<e>)", "b.insert(<i>, <e>)", "b.pop(<e>)", "b.index(<e>)",
    "t.xs.append(tick(<e>))", "c.get(<e>, <e>)", "c.setdefault(<e>, <e>)", "c.update(<e>)",
    "c.pop(<e>, <e>)", "c.items()", "c.keys() | {<e>}", "t.d.get(tick('a'), <e>)", "<e>.copy()",
    "<e>.pop()", "<e>.sort(key=<e>)", "<e>.count(<e>)", "t.plain(<e>)", "<e>(<e>)",
    "(lambda: <e>)()", "(lambda x, *y, z=<e>: (x, y, z))(<e>)", "(lambda p=<e>, /: p)()",
    "[f(1) for f in [lambda y, x=x: (x, y, <e>) for x in <e>]]",
    # builtins and the standard library
    "len(<e>)", "sorted(<e>, key=str)", "list(zip(<e>, <e>))", "dict(zip(<e>, <e>))", "sum(<e>, <e>)",
    "max(<e>, <e>, key=str)", "any(<e>)", "str(<e>)", "repr(<e>)", "bool(<e>)", "tuple(<e>)",
    "list(map(lambda v: (v, <e>), <e>))", "list(filter(None, <e>))", "list(enumerate(<e>))",
    "next(iter(<e>), <e>)", "next(<e>)", "isinstance(<e>, Thing)", "getattr(<e>, 'n', <e>)",
    "getattr(<e>, <e>, <e>)", "setattr(t, 'n', <e>)", "hasattr(<e>, 'xs')", "vars(<e>)",
    "list(reversed(<e>))", "iter(<e>) is <e>", "id(<n>) == id(b)", "type(<e>).__name__",
    "copy.copy(<e>)", "heapq.heappush(b, <e>)", "list(itertools.chain(<e>, <e>))", "callable(<e>)",
    "functools.reduce(lambda u, v: u, <e>, <e>)", "operator.itemgetter(<e>)(<e>)", "deque(<e>, 2)",
    "dataclasses.replace(Point(1), x=<e>)", "Pair(*<e>)._replace(x=<e>)", "hash(<e>)", "print(<e>)",
    "list(zip(*<e>))", "list(zip(<e>, *<e>))", "next(*<e>)", "getattr(*<e>)", "getattr(*<e>, None)",
    "setattr(t, 'n', *<e>)", "id(*<e>) and 1", "len(*<e>)", "list(map(*<e>))", "bool(*<e>)",
    "list(itertools.chain.from_iterable(<e>))", "list(itertools.chain.from_iterable(*<e>))",
    "format(<e>, '>4')", "list(map(str, <e>))", "divmod(<e>, 2)", "isinstance(<e>, (int, Thing))",
    # displays and comprehensions
    "[<e>, *<e>]", "(<e>, *<e>)", "{<e>, <e>}", "{<e>: <e>}", "{'k': <e>, **<e>}", "{**<e>, **<e>}",
    "[x for x in <e>]", "[<e> for x in <e> if <e>]", "[(x, p) for x in <e> for p in <e>]",
    "{x: <e> for x in <e>}", "{str(x) for x in <e> if x}", "sum(1 for x in <e>)",
    "list(x for x in <e> if <e>)", "[[x for p in range(x)] for x in range(<i>)]",
    "[q for x in <e> if (q := x)]", "[(g := x) for x in <e>]", "[t.n for t.n in <e>]",
    "[b[0] for b[0] in <e>]", "[x for x, *p in <e>]", "any((q := x) for x in <e>)",
    "[y for x in [<e>] for y in [x, <e>]]", "{k: v for k, v in c.items()}", "[lambda: x for x in b][0]()",
    # walrus, strings
    "(a := <e>)", "(g := <e>)", "(q := <e>) and q", "f'{<e>}'", "f'{<e>!r:>5} {<e>}'", "f'{a=} {<e>=!s}'",
    "f'{t:{a}{x}}'", "f'{<e>:%5}'", "'%s %r' % (<e>, <e>)", "'%s' % <e>", "'{} {n.n}'.format(<e>, n=t)",
    "'%(a)s' % c", "', '.join(map(str, <e>))", "f'{{}}{f\"{<e>}\"}'", "'a,b'.split(<e>)", "rf'\\{a}'",
]  # fmt: skip

IN_FUNCTION = [
    "locals().keys() & {'a', 'p', 'q'}", "eval('a')", "sorted(n for n in dir() if len(n) < 3)",
    "sys._getframe().f_code.co_name", "(lambda: p)()", "[p for q in [1] for p in [q, p]]",
    "inspect.currentframe().f_lineno", "sorted(sys._getframe().f_locals)",
]  # fmt: skip
IN_GENERATOR = ["(yield)", "(yield <e>)", "(yield from <e>)", "(yield <e>, *<e>)", "[(yield <e>)]"]
IN_ASYNC = [
    "await later(<e>)", "[v async for v in stream()]", "{v: <e> async for v in stream(<i>) if <e>}",
    "[await later(v) for v in <e>]", "(await later(b))[<e>]", "[v async for v in t]", "await <e>",
    "[await later(u) async for u in stream() for v in <e>]",
]  # fmt: skip
IN_METHOD = [
    "super().append(<e>)", "super().xs", "super().__len__()", "self.__private", "__class__.__name__",
    "[super(Thing, self).__repr__ is not None for x in b]", "self.xs", "self.n", "self.next.__hidden",
    "(lambda: __class__)().__name__", "super().__getitem__(<e>)", "self.__hidden + <i>",
    "type(self).__mro__[0].__name__", "(lambda: super(__class__, self).n)()",
]  # fmt: skip
IN_CLASS = [
    "sorted(n for n in locals() if n[0] != '_')",
    "__qualname__",
    "[x for x in b]",
    "__module__",
]

TARGETS = [
    *["a", "b", "c", "x", "g", "p", "q"] * 2,
    "t.n", "t.next.n", "s.n", "s.own", "k.n", "k.next", "t.prop", "b[0]", "b[<e>]", "c[<e>]",
    "t.xs[1:]", "t.xs[<e>:<i>]", "t.d[<e>]", "t[<e>]", "t[<e>, <i>]", "tick(t)[<e>]", "tick(<e>).n",
    "<e>.next", "c['a']", "t.d[tick('a')]", "Thing.shared", "t.next.xs[-1]", "t[<e>:<e>]",
]  # fmt: skip
METHOD_TARGETS = ["self.n", "self.xs", "self.__private", "self.xs[0]", "self.d[<e>]", "self.new"]

PATTERNS = [
    "_", "x", "q", "1", "-1", "'a'", "None", "True", "2.5", "1 | 2", "'a' | None | x", "[]", "[x]",
    "[<p>, <p>]", "[<p>, *_]", "[*q, <p>]", "[x, *p]", "(<p>, <p>)", "{}", "{'a': <p>}", "{**q}",
    "{'a': _, **p}", "{0: [<p>], 'a': <p>}", "Thing()", "Thing(n=<p>)", "Thing(n=<p>, xs=[x, *_])",
    "Slotted(<p>)", "Slotted(<p>, next=<p>)", "Point(x=1)", "Point(<p>, <p>)", "Pair(x, <p>)",
    "int()", "int(p)", "str() | bytes()", "list(q)", "dict()", "Color.RED", "Thing.shared",
    "(<p>) as q", "[<p>] | {'a': <p>}", "None | False", "b'x'", "1+1j", "Sub(n=0) | Thing(n=2)",
]  # fmt: skip

SIMPLE = [
    "<e>", "print(<e>)", "print(<e>, <e>)", "<t> = <e>", "<t> = <t> = <e>", "<t>, <t> = <e>",
    "<t>, *<t> = <e>", "[<t>, (<t>, *<t>)] = <e>", "<t>, <t> = <e>, <e>", "<t> = <t>, <t> = <e>",
    "(<t>) = <e>", "*<t>, = <e>", "<n>, <n> = <n>, <n>", "<t> = *<e>, <e>",
    "<t> += <e>", "<t> -= <e>", "<t> *= 2", "<t> |= <e>", "<t> @= <e>", "<t> //= <i>", "<t> %= <i>",
    "<t> += [<e>]", "<t> &= <e>", "<n> += 1", "t.n += <e>", "c[<e>] += tick(<i>)", "b[<e>] -= <e>",
    "<n>: int = <e>", "<n>: <e>", "t.n: <e> = <e>", "c[<e>]: int", "(<n>): int = <e>",
    "del <t>", "del <t>, <t>", "del (<t>, [<t>])", "del b[:<e>]", "del t.d[<e>], t.n",
    "assert <e>", "assert <e>, <e>", "assert (<e>, <e>)[0], f'{<e>}'", "raise ValueError(<e>)",
    "raise <e>", "raise KeyError from <e>", "pass", "tick()", "import os.path as <n>", "import json, os",
    "from collections import OrderedDict as <n>, Counter", "exec('x = 1')", "exec('print(a)')",
    "print(eval('[a for _ in range(2)]'))", "'''text'''", "1", "...", "__doc__ = <e>",
    "list(map(print, <e>))", "raise ExceptionGroup('g', [ValueError(<e>), KeyError(1)])",
]  # fmt: skip
IN_LOOP = ["break", "continue", "if <e>: break", "if <e>: continue"]
RETURNS = ["return", "return <e>", "return <e>, *<e>", "return [<e>]"]
DECLARATIONS = [
    "global g",
    "global a, q",
    "x = p",
    "p = [p]",
    "g = 1",
    "def h(): return p, x",
    "pass",
]

COMPOUND = [
    "if <e>:\n    <block>\nelif <e>:\n    <block>\nelse:\n    <block>",
    "if not <e> or <e>:\n    <block>",
    "while tick(<e>):\n    <block loop>\n    if <e>: break\nelse:\n    <block>",
    "while True:\n    tick()\n    <block loop>\n    if <e>: break\n    <block loop>\n    break",
    "for <t> in <e>:\n    tick()\n    <block loop>\nelse:\n    <block>",
    "for <t>, <t> in <e>, c.items():\n    tick()\n    <block loop>",
    "for x, (p, *q) in [(1, (2, 3)), <e>]:\n    tick()\n    <block loop>",
    "for x in b:\n    tick()\n    <block loop>",
    "for q in *<e>, *<e>:\n    tick()\n    <block loop>",
    "try:\n    <block>\nexcept TypeError as x:\n    <block>\nexcept (KeyError, ValueError):\n    <block>",
    "try:\n    <block>\nexcept Exception as q:\n    print(q, type(q.__context__))\n    raise\nelse:\n"
    "    <block>\nfinally:\n    <block>",
    "try:\n    <block>\nfinally:\n    <block>",
    "try:\n    <block>\nexcept Exception as x:\n    raise RuntimeError(<e>) from x",
    "try:\n    <block>\nexcept* TypeError as x:\n    <block>\nexcept* (ValueError, KeyError) as q:\n"
    "    print(q.exceptions)\n    <block>",
    "for x in <e>:\n    tick()\n    try:\n        <block loop>\n    finally:\n        <block loop>\n"
    "        <returns loop>",
    "with <e> as x:\n    <block>",
    "with t as <t>, managed(<e>) as <t>:\n    <block>",
    "with (managed(<e>) as p, contextlib.suppress(TypeError, KeyError), managed(p) as <t>,):\n    <block>",
    "with Thing(0), managed(<e>):\n    <block>",
    "match <e>:\n    case <p>:\n        <block>\n    case <p> if <e>:\n        <block>\n    case <p>:\n"
    "        <block>\n    case <p>:\n        <block>",
    "match <e>, <e>:\n    case <p>, <p>:\n        <block>\n    case (<p>, <p>) if <e>:\n        <block>",
    "match <e>:\n    case <p> as q if (p := q):\n        <block>\n    case _:\n        <block>",
    # functions
    "def f(p=<e>, *q, x=<e>, **rest):\n    <declaration>\n    <block def>\n    <returns def>\nprint(f())",
    "@keep\n@marked(<e>, k=<e>)\ndef f(p, /, q=<e>, *, x: <e> = 1) -> <e>:\n    '''Text.'''\n"
    "    <block def>\n    return p, <e def>\nprint(f(<e>))",
    "def f(a=<e>, p=[0]):\n    x = 0\n    def inner(q=<e def>):\n        nonlocal a, x\n"
    "        <block def>\n        x += 1\n        return a, x\n    <block def>\n    print(inner())\n"
    "    return inner, x\nf(1)[0]()",
    "def f(p):\n    def inner():\n        nonlocal p\n        del p\n    try: inner()\n"
    "    finally: <returns def>\n    return p\nprint(f(<e>))",
    "def f(p=1):\n    global g\n    g = <e def>\n    q = [lambda: (p, q, g) for _ in range(2)]\n"
    "    p = <e def>\n    return [h() for h in q[:1]]\nprint(f())",
    "def f(p, *a):\n    if len(a) > 2: return <e def>\n    <block def>\n    return f(a, p, *a)\nprint(f(<e>))",
    "def f(p=1, *, q: int = 2):\n    try:\n        <block def>\n        <returns def>\n    except ValueError:\n"
    "        <returns def>\n    finally:\n        <block def>\nprint(f(q=<e>))",
    # generators
    "def f(p=2, q=None):\n    <block gen>\n    x = yield <e gen>\n    print('x', x)\n    <block gen>\n"
    "    return <e gen>\nit = f()\nprint(next(it))\ntry: print(it.send(<e>), it.throw(KeyError('k')))\n"
    "except StopIteration as end: print(end.value)\nfinally: it.close()",
    "def f(p=2, q=()):\n    x = yield from numbers(<i>)\n    try:\n        <block gen>\n    finally:\n"
    "        print('closed', x)\nfor x in f(): print(x); tick()",
    "def f(p, q=1):\n    while True:\n        try:\n            p = yield p\n            <block gen>\n"
    "        except KeyError as x:\n            print('caught', x)\n            yield from <e gen>\n"
    "it = f(<e>)\nprint(next(it), it.send(1), it.throw(KeyError(2)), next(it, 'end'))\nit.close()",
    # async
    "async def f(p=0, q=1):\n    <block async>\n    return <e async>\nprint(asyncio.run(f()))",
    "async def f(p=0):\n    async with t as q, t:\n        <block async>\n    async for x in stream(3):\n"
    "        tick()\n        <block async>\n    else:\n        <block async>\nasyncio.run(f())",
    "async def f(p=1):\n    <block async>\n    yield <e async>\n    yield p\nasync def main(q=f):\n"
    "    async for x in f(): print(x)\n    return [x async for x in f(<e async>)]\n"
    "print(asyncio.run(main()))",
    "async def f(p=1, q=2):\n    async with asyncio.TaskGroup() as p:\n        q = p.create_task(later(<e async>))\n"
    "        <block async>\n    return q.result()\nprint(asyncio.run(f()))",
    # classes
    "class K:\n    '''Text.'''\n    <block class>\n    x = <e class>\n    def f(self): return x, <e method>\n"
    "print(K().f(), sorted(n for n in vars(K) if n[:2] != '__'))",
    "class K(Thing, metaclass=Meta, flag=<e>):\n    x = magic\n    <block class>\n    def f(self, p=x, q=1):\n"
    "        <block method>\n        return <e method>\nprint(K().f())",
    "@keep\nclass K(Sub if <e> else Thing):\n    p = q = 1\n    def __init__(self, n=<e>):\n"
    "        super().__init__(n)\n        self.__own = self.n, self.m = <e method>\n"
    "    def f(self):\n        def inner(): return super(K, self).private(), __class__, <e method>\n"
    "        return inner()\n    @property\n    def both(self): return self.__own, self.p\n"
    "print(K().f(), K(3).both)",
    "class K:\n    __slots__ = ('p', '__q')\n    def __init__(self): self.p = self.__q = <e>\n"
    "    def f(self): self.__q += 1; return self.__q, self.p\nprint(K().f())\nK().<n>",
    "class K(Point):\n    q: 'int' = <e>\n    <block class>\n    class Inner:\n        p = <e class>\n"
    "        <block class>\nprint(K.__annotations__.keys(), K.Inner.p)",
    "class K:\n    for x in <e>:\n        tick()\n        <block class>\n    if <e class>: p = 1\n"
    "    ys = [(x, <e>) for x in range(2)]\n    zs = {y for x in ys for y in [len(x)]}\nprint(K.ys, K.zs)",
    "def f(p=1, q=2):\n    class K:\n        p = p if False else <e>\n        <block class>\n        def f(self): return p, q\n"
    "    p = 2\n    return K.p, K().f()\nprint(f())",
    "class K(typing.NamedTuple):\n    p: int\n    q: list = <e>\n    def f(self): return self.p, <e>\nprint(K(<e>).f())",
    "class K(enum.IntEnum):\n    A = 1\n    B = A + 1\n    @property\n    def p(self): return self.value, <e>\n"
    "print(K.A.p, K(2), list(K))",
    "class K:\n    def __init_subclass__(cls, p=0, **more): print('sub', cls.__name__, p); super().__init_subclass__(**more)\n"
    "    def __set_name__(self, owner, name): print(name)\nclass L(K, p=<e>):\n    x = K()\n    <block class>",
]  # fmt: skip

SINCE_3_12 = [
    "type A[T] = list[T] | <n>\nprint(A, A.__value__, A.__type_params__)",
    "def f[T: (int, str), *P, **Q](p: T = <e>, *q: *P) -> T:\n    x = T\n    <block def>\n"
    "    def inner[U](v: U) -> T: return p, v\n    return inner(<e def>), f.__type_params__, <e def>\nprint(f())",
    "class K[T]:\n    x: T\n    <block class>\n    def f[U](self, u: U = <e>) -> tuple[T, U]:\n"
    "        <block method>\n        return T, u, <e method>\nprint(K[int]().f(), K.__type_params__)",
    "def f(p=1, q=2):\n    type A = tuple[p, <n>]\n    p = str\n    return A.__value__\nprint(f())",
    "print(f'{f'{<e>}'} {'\\n'.join(map(str, <e>))} {c['a']}')",
    "print(f'''{\n    <e>\n    + 1\n}''')",
]
SINCE_3_13 = [
    "class K[T = <n>, *P = *tuple[int]]:\n    <block class>\nprint(K.__type_params__[0].__default__)",
    "def f[T = int](p: T = <e>):\n    <block def>\n    return T.__default__\nprint(f())",
]
SINCE_3_14 = [
    "u = t'{<e>} {a=} {x!r:>{a}}'\nprint(u.strings, [(i.value, i.expression, i.format_spec) for i in u.interpolations])",
    "try:\n    <block>\nexcept TypeError, KeyError:\n    <block>",
]

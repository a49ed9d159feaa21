"""Which globals and closure variables are hot, and how their loads and stores are announced."""

from __future__ import annotations

import ast
import re
import textwrap

import pytest

from raceproof.instrument.rewriting import rewrite
from raceproof.instrument.rewriting.scopes import Scopes


def scopes(source: str) -> Scopes:
    tree = ast.parse(textwrap.dedent(source))
    return Scopes(tree, "package.m", is_package=False, is_watched=lambda name: False)


def hot_globals(source: str) -> set[str]:
    return scopes(source).module.hot


def hot_closures(source: str) -> set[str]:
    return {name for scope in scopes(source).of.values() if scope.number for name in scope.hot}


def rewritten(source: str) -> str:
    result = rewrite(textwrap.dedent(source), "m.py", "m", 1000)
    return re.sub(r"\b1\d\d\d\b", "S", ast.unparse(result.tree))


GLOBALS = {
    "stored in a function": ("n = 0\ndef f():\n    global n\n    n = 1", {"n"}),
    "bound once": ("n = 0\ndef f(): return n", set()),
    "bound twice": ("n = 0\nn = 1\ndef f(): return n", {"n"}),
    "bound twice, module level only": ("n = 0\nn = 1\nprint(n)", set()),
    "bound late": ("t.start()\nn = 0\ndef f(): return n", {"n"}),
    "bound after a call of a foreign module": (
        "import logging\nlogging.basicConfig()\nprint(1)\nn = 0\ndef f(): return n",
        set(),
    ),
    "bound after a call of threading": (
        "import threading\nthreading.stack_size()\nn = 0\ndef f(): return n",
        {"n"},
    ),
    "bound after work was submitted": (
        "future = pool.submit(f)\nn = 0\ndef f(): return n",
        {"n"},
    ),
    "bound in a loop": ("for n in x: pass\ndef f(): return n", {"n"}),
    "loop variable of the module": ("for n in x: print(n)\ndef f(n): return n", set()),
    "used in a comprehension of the module": ("t.start()\nn = 0\n[n for _ in x]", set()),
    "used in a lambda": ("t.start()\nn = 0\nlambda: n", {"n"}),
    "function defined late": ("t.start()\ndef g(): pass\ndef f(): return g", set()),
    "function defined twice": ("def g(): pass\ndef g(): pass\ndef f(): return g", {"g"}),
    "alternatives": ("if a:\n    n = 1\nelse:\n    n = 2\ndef f(): return n", set()),
    "import or none": (
        "try:\n    import n\nexcept ImportError:\n    n = None\ndef f(): return n",
        set(),
    ),
    "main block, before threads": (
        "def f(): return n\nif __name__ == '__main__':\n    n = 1\n    g()",
        set(),
    ),
    "main block, after threads": (
        "def f(): return n\nif __name__ == '__main__':\n    g()\n    n = 1",
        {"n"},
    ),
    "local of the same name": ("n = 0\nn = 1\ndef f():\n    n = 2\n    return n", set()),
    "dunder": ("def f():\n    global __version__\n    __version__ = 1", set()),
    "mangled": ("class C:\n    def f(self):\n        global __n\n        __n = 1", {"_C__n"}),
    "deleted": ("n = 0\ndel n\ndef f(): return n", {"n"}),
}


@pytest.mark.parametrize(("source", "expected"), GLOBALS.values(), ids=GLOBALS.keys())
def test_hot_globals(source: str, expected: set[str]) -> None:
    assert hot_globals(source) == expected


CLOSURES = {
    "nonlocal": ("n = 0\ndef g():\n    nonlocal n\n    n = 1", {"n"}),
    "bound once": ("n = 0\ndef g(): return n", set()),
    "bound twice": ("n = 0\nn = 1\ndef g(): return n", {"n"}),
    "augmented": ("n = 0\nn += 1\ndef g(): return n", {"n"}),
    "not captured": ("n = 0\nn += 1\ndef g(n): return n", set()),
    "bound in a loop": ("while x:\n    n = 0\n    lambda: n", {"n"}),
    "loop variable": ("for n in x: lambda: n", {"n"}),
    "loop variable, not captured": ("for n in x: [n for _ in x]", set()),
    "parameter": ("lambda: p", set()),
    "parameter bound anew": ("p = p or 1\nlambda: p", {"p"}),
    "in a class body": ("n = 0\nn = 1\nclass C:\n    m = n", set()),
    "in a method": ("n = 0\nn = 1\nclass C:\n    def m(self): return n", {"n"}),
    "of a comprehension": ("[lambda: n for n in x]", set()),
    "where locals are seen": ("n = 0\nn = 1\nlambda: n\nlocals()", set()),
}


@pytest.mark.parametrize(("body", "expected"), CLOSURES.values(), ids=CLOSURES.keys())
def test_hot_closure_variables(body: str, expected: set[str]) -> None:
    assert hot_closures("def f(p, x):\n" + textwrap.indent(body, "    ")) == expected


STORES = {
    "assign": ("g = v", "g = _rp_glob_set(v, S)"),
    "augment": ("g += 1", "_rp_glob(S)\ng += _rp_glob_set(1, S)"),
    "augment, container": (
        "g += [v]",
        "_rp_glob(S)\ng += _rp_glob_set(_rp_aug([v], g, S), S)",
    ),
    "unpack": ("g, a = v", "g, a = _rp_names_set(_rp_read(v, S), (S,), None)"),
    "several": ("g = a = v", "g = a = _rp_names_set(v, (S,), None)"),
    "walrus": ("v((g := 1))", "v((g := _rp_glob_set(1, S)))"),
    "import": ("import g", "import g\n_rp_glob_mark(S)"),
    "def": ("def g(): pass", "def g():\n    pass\n_rp_glob_mark(S)"),
    "class": ("class g: pass", "class g:\n    pass\n_rp_glob_mark(S)"),
    "loop": ("for g in v(): pass", "for g in _rp_iter(v(), S):\n    _rp_glob_mark(S)\n    pass"),
    "with": ("with v as g: pass", "with v as g:\n    _rp_glob_mark(S)\n    pass"),
    "except": (
        "try: pass\nexcept v as g: pass",
        "try:\n    pass\nexcept v as g:\n    _rp_glob_mark(S)\n    pass",
    ),
    "del": ("del g", "_rp_glob_mark(S)\ndel g"),
}


@pytest.mark.parametrize(("source", "expected"), STORES.values(), ids=STORES.keys())
def test_stores_of_a_global(source: str, expected: str) -> None:
    whole = "def f(v):\n    global g\n" + textwrap.indent(source, "    ")
    body = "\n".join(rewritten(whole).splitlines()[2:])
    assert textwrap.dedent(body).strip() == expected


def test_loads_and_stores_of_a_closure_variable() -> None:
    source = """
    def f():
        n, m = 0, 0
        def g():
            nonlocal n
            n += 1
            return n
        for i in range(3):
            run(lambda: i)
        return g
    """
    expected = """
    def f():
        _rp_scope_1 = _rp_new_scope(S)
        n, m = _rp_names_set((0, 0), (S,), (_rp_scope_1,))

        def g():
            nonlocal n
            _rp_cell(_rp_scope_1, S)
            n += _rp_cell_set(1, _rp_scope_1, S)
            return _rp_cell(_rp_scope_1, S) or n
        for i in range(3):
            _rp_cell_mark(_rp_scope_1, S)
            run(lambda: _rp_cell(_rp_scope_1, S) or i)
        return g
    """
    assert rewritten(source) == textwrap.dedent(expected).strip()


def test_globals_and_closure_variables_stored_together() -> None:
    source = """
    def f(v):
        global g
        c = g, c = v
        lambda: c
    """
    assert (
        "c = g, c = _rp_names_set(_rp_read(v, S), (S, S, S), (_rp_scope_1, None, _rp_scope_1))"
        in (rewritten(source).replace("c = (g, c) =", "c = g, c ="))
    )


def test_a_captured_variable_bound_once_is_named() -> None:
    source = "def f():\n    lock = make()\n    return lambda: lock\n"
    assert "lock = _rp_name(make(), S)" in rewritten(source)


def test_relative_imports_are_resolved() -> None:
    imports = scopes(
        "from . import a\nfrom .b import c\nimport d.e\nimport d.e as f"
    ).module.imports
    assert imports == {
        "a": ("package", "a"),
        "c": ("package.b", "c"),
        "d": ("d", None),
        "f": ("d.e", None),
    }


def test_qualified_names() -> None:
    source = """
    class C:
        def m(self):
            return [lambda: x for _ in y]
    """
    names = {scope.qualname for scope in scopes(source).of.values()}
    assert names == {"<module>", "C", "C.m", "C.m.<locals>.<lambda>"}

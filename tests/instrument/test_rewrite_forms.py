"""What the rewriter makes of each kind of operation, to the letter."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Callable

import pytest

from raceproof.events import Site
from raceproof.instrument.rewriting import rewrite


def rewritten(source: str, is_watched: Callable[[str], bool] = lambda name: False) -> str:
    """The rewritten source, each site number as `S`."""
    result = rewrite(textwrap.dedent(source), "m.py", "m", 1000, is_watched=is_watched)
    compile(result.tree, "m.py", "exec", dont_inherit=True)
    return re.sub(r"\b1\d\d\d\b", "S", ast.unparse(result.tree))


def sites(source: str) -> list[Site]:
    return rewrite(textwrap.dedent(source), "m.py", "m", 0).sites


def in_function(statement: str, parameters: str = "x, y, k, v, self, *args, **kwargs") -> str:
    """A statement of a function, rewritten."""
    source = f"def f({parameters}):\n" + textwrap.indent(textwrap.dedent(statement), "    ")
    lines = rewritten(source).splitlines()[1:]
    return textwrap.dedent("\n".join(lines))


FORMS = {
    "attribute load": ("x.a", "_rp_attr(x, 'a', S).a"),
    "attribute chain": ("x.a.b", "_rp_attr(_rp_attr(x, 'a', S).a, 'b', S).b"),
    "attribute store": ("x.a = v", "x.a = _rp_attr_set(v, x, 'a', S)"),
    "attribute store, deep": (
        "x.a.b = v",
        "_rp_attr_at(_rp_attr(x, 'a', S).a, 'b', S).b = _rp_name(v, S)",
    ),
    "attribute store, annotated": ("x.a: int = v", "x.a: int = _rp_attr_set(v, x, 'a', S)"),
    "attribute declared": ("x.a: int", "x.a: int"),
    "attribute targets": (
        "x.a = y.b = v",
        "_rp_attr_at(x, 'a', S).a = _rp_attr_at(y, 'b', S).b = _rp_name(v, S)",
    ),
    "attribute unpacked": (
        "x.a, y.b = v",
        "_rp_attr_at(x, 'a', S).a, _rp_attr_at(y, 'b', S).b = _rp_read(v, S)",
    ),
    "attribute delete": ("del x.a", "del _rp_attr_at(x, 'a', S).a"),
    "attribute augment": ("x.a += v", "_rp_attr(x, 'a', S).a += _rp_attr_aug(v, x, 'a', S)"),
    "attribute augment, deep": (
        "x.a.b += v",
        "_rp_attr((_rp_t1 := _rp_attr(x, 'a', S).a), 'b', S).b += _rp_attr_aug(v, _rp_t1, 'b', S)",
    ),
    "item load": ("x[k]", "_rp_item(x, k, S)[k]"),
    "item load, negative": ("x[-1]", "_rp_item(x, -1, S)[-1]"),
    "item load, computed": ("x[k + 1]", "_rp_item(x, (_rp_t1 := (k + 1)), S)[_rp_t1]"),
    "item load, two dimensions": ("x[k, v]", "_rp_item(x, (_rp_t1 := (k, v)), S)[_rp_t1]"),
    "item store": ("x[k] = v", "x[k] = _rp_item_set(v, x, k, S)"),
    "item store, computed": (
        "x[k + 1] = v",
        "_rp_item_at(x, (_rp_t1 := (k + 1)), S)[_rp_t1] = _rp_name(v, S)",
    ),
    "item delete": ("del x[k]", "del _rp_item_at(x, k, S)[k]"),
    "item augment": ("x[k] += v", "_rp_item(x, k, S)[k] += _rp_item_aug(v, x, k, S)"),
    "item augment, computed": (
        "x.a[k + 1] += v",
        "_rp_item((_rp_t1 := _rp_attr(x, 'a', S).a), (_rp_t2 := (k + 1)), S)[_rp_t2]"
        " += _rp_item_aug(v, _rp_t1, _rp_t2, S)",
    ),
    "slice load": ("x[k:]", "_rp_whole(x, S)[k:]"),
    "slice load, computed": (
        "x[:y.n]",
        "_rp_whole((x, (_rp_t1 := _rp_attr(y, 'n', S).n))[0], S)[:_rp_t1]",
    ),
    "slice store": ("x[1:] = v", "_rp_whole_at(x, S)[1:] = _rp_read(v, S)"),
    "slice delete": ("del x[:]", "del _rp_whole_at(x, S)[:]"),
    "method": ("x.append(v)", "_rp_meth(x, 'append', S, v).append(v)"),
    "method of an attribute": (
        "x.a.append(v)",
        "_rp_meth(_rp_attr(x, 'a', S).a, 'append', S, v).append(v)",
    ),
    "method, pure argument": (
        "x.append((k, v))",
        "_rp_meth(x, 'append', S, more=True).append((k, v))",
    ),
    "method, key computed": (
        "x.get(v(), 0)",
        "x.get(_rp_meth_arg(v(), x, 'get', S, at=0, more=True), 0)",
    ),
    "method, second argument computed": (
        "x.get(k, v())",
        "x.get(k, _rp_meth_arg(v(), x, 'get', S, k, at=1))",
    ),
    "method, first argument computed": (
        "x.insert(v(), k)",
        "x.insert(_rp_meth_arg(v(), x, 'insert', S, at=0, more=True), k)",
    ),
    "method, keyword computed": (
        "x.update(a=v())",
        "x.update(a=_rp_meth_arg(v(), x, 'update', S))",
    ),
    "method, arguments unpacked": (
        "x.update(*v)",
        "x.update(*_rp_meth_arg(_rp_read(v, S), x, 'update', S))",
    ),
    "method, own arguments": (
        "x.update(*args, **kwargs)",
        "_rp_meth(x, 'update', S, more=True).update(*args, **kwargs)",
    ),
    "method, both computed": (
        "x.a.append(v())",
        "(_rp_t1 := _rp_attr(x, 'a', S).a).append(_rp_meth_arg(v(), _rp_t1, 'append', S, at=0))",
    ),
    "method of no container": ("x.run(1)", "_rp_attr(x, 'run', S).run(1)"),
    "method that may look": (
        "x.run(v, a=y)",
        "_rp_attr(x, 'run', S).run(_rp_given(v, x, 'run', S), a=_rp_given(y, x, 'run', S))",
    ),
    "method that may look, of an attribute": (
        "x.a.run(v)",
        "_rp_attr((_rp_t1 := _rp_attr(x, 'a', S).a), 'run', S).run(_rp_given(v, _rp_t1, 'run', S))",
    ),
    "method of this file": ("y.f(v)", "_rp_attr(y, 'f', S).f(v)"),
    "method of a string": ("'a'.split(v)", "'a'.split(v)"),
    "join": ("', '.join(v)", "', '.join(_rp_read(v, S))"),
    "super": ("super().append(v)", "super().append(v)"),
    "len": ("len(x)", "len(_rp_len(x, S))"),
    "sorted": ("sorted(x, key=v)", "sorted(_rp_read(x, S), key=v)"),
    "enumerate": ("enumerate(x)", "enumerate(_rp_iter(x, S))"),
    "map": ("map(y, x)", "map(y, _rp_iter(x, S))"),
    "zip of map": ("zip(map(y, x))", "zip(map(y, _rp_iter(x, S)))"),
    "reversed": ("reversed(x)", "reversed(_rp_reversed(x, S))"),
    "iter": ("iter(x)", "iter(_rp_iterator(x, S))"),
    "iter of a function": ("iter(x, k)", "_rp_iter(iter(x, k), S)"),
    "vars": ("vars(x)", "vars(_rp_attr(x, '__dict__', S))"),
    "next": ("next(x, None)", "next(_rp_next(x, S), None)"),
    "getattr": ("getattr(x, 'a', v)", "getattr(_rp_attr_dyn(x, 'a', S), 'a', v)"),
    "setattr": ("setattr(x, k, v)", "setattr(_rp_attr_dyn_at(x, k, S), k, v)"),
    "setattr, computed": ("setattr(x, k, v())", "setattr(x, k, _rp_attr_set(v(), x, k, S))"),
    "print a sum": ("print(x + 1)", "print(x + 1)"),
    "star": ("v(*x, **y)", "v(*_rp_read(x, S), **_rp_read(y, S))"),
    "star, own arguments": ("v(*args, **kwargs)", "v(*args, **kwargs)"),
    "displays": ("[*x, {**y}]", "[*_rp_read(x, S), {**_rp_read(y, S)}]"),
    "unpack": ("a, b = x", "a, b = _rp_read(x, S)"),
    "swap": ("x, y = (y, x)", "x, y = (y, x)"),
    "not": ("not x", "not _rp_true(x, S)"),
    "or": ("x or y", "_rp_true(x, S) or y"),
    "or, tested": (
        "v() if x or y else k",
        "v() if _rp_true(x, S) or _rp_true(y, S) else k",
    ),
    "assert": ("assert x, v", "assert _rp_true(x, S), v"),
    "isinstance": ("assert isinstance(x, y)", "assert isinstance(x, y)"),
    "in": ("k in x", "k in _rp_in(x, k, S)"),
    "in, computed": ("v() in x", "(_rp_t1 := v()) in _rp_in(x, _rp_t1, S)"),
    "in, constants": ("k in (1, 2)", "k in (1, 2)"),
    "equal": ("x == y", "_rp_read(x, S) == _rp_read(y, S)"),
    "equal to a constant": ("x == 1", "x == 1"),
    "equal to a pair": ("x == (1, 2)", "x == (1, 2)"),
    "equal to a display": ("x == []", "_rp_read(x, S) == []"),
    "equal, in displays": ("(x, 1) == ([], k)", "(_rp_read(x, S), 1) == ([], _rp_read(k, S))"),
    "equal to a new list": ("x == list(y)", "_rp_read(x, S) == list(_rp_read(y, S))"),
    "is": ("x is y", "x is y"),
    "chain": ("1 < k in x", "1 < k in _rp_in(x, k, S)"),
    "sum": ("x + y", "_rp_read(x, S) + _rp_read(y, S)"),
    "difference": ("x - y", "_rp_read(x, S) - _rp_read(y, S)"),
    "keys in common": (
        "x.keys() & y",
        "_rp_read(_rp_meth(x, 'keys', S).keys(), S) & _rp_read(y, S)",
    ),
    "sum with a number": ("x + 1", "x + 1"),
    "format": ("'%s' % x", "'%s' % _rp_read(x, S)"),
    "f-string": ("f'{x}'", "f'{_rp_read(x, S)}'"),
    "local augment": ("x += v()", "x += _rp_aug(v(), x, S)"),
    "comprehension": (
        "[i for i in x if i]",
        "[i for i in _rp_iter(x, S) if _rp_true(i, S)]",
    ),
    "yield": ("y = yield x", "y = (yield _rp_yield(x, S))"),
    "yield from": ("yield from x", "yield from _rp_iter(x, S)"),
    "range": ("[i for i in range(9) if i]", "[i for i in range(9) if i]"),
    "lambda": ("lambda: x[v()]", "lambda: _rp_item(x, (_rp_t1 := v()), S)[_rp_t1]"),
    "no temporary in an iterable": (
        "[i for i in x[v()]]",
        "[i for i in _rp_iter(_rp_getitem(*_rp_both(x, v(), S)), S)]",
    ),
    "no temporary in a generator": (
        "v(x[i + 1] for i in k)",
        "v((_rp_getitem(*_rp_both(x, i + 1, S)) for i in _rp_iter(k, S)))",
    ),
    "no temporary where locals are seen": (
        "locals(), x[k + 1], x.a.append(v())",
        "(locals(), _rp_getitem(*_rp_both(x, k + 1, S)),"
        " _rp_bind(_rp_receiver(_rp_attr(x, 'a', S).a, 'append', S).append, 'append', S, v())())",
    ),
}


@pytest.mark.parametrize(("source", "expected"), FORMS.values(), ids=FORMS.keys())
def test_form_in_a_function(source: str, expected: str) -> None:
    assert in_function(source) == expected


MODULE_FORMS = {
    "item load, computed": ("x[k + 1]", "_rp_getitem(*_rp_both(x, k + 1, S))"),
    "item load, two dimensions": ("x[1, k]", "_rp_item(x, (1, k), S)[1, k]"),
    "item store, computed": (
        "x[k + 1] = v",
        "_rp_whole_at(x, S)[k + 1] = _rp_name(v, S)",
    ),
    "item augment, computed": ("x[k + 1] += v", "_rp_whole_at(x, S)[k + 1] += v"),
    "item augment, of a number": (
        "i = 0\nx[i + 1] += v",
        "i = 0\n_rp_item(x, i + 1, S)[i + 1] += _rp_item_aug(v, x, i + 1, S)",
    ),
    "attribute augment, of a global that is rebound": (
        "def f():\n    global x\n    x = 1\nx.a += v",
        "def f():\n    global x\n    x = _rp_glob_set(1, S)\n"
        "_rp_attr(_rp_glob(S) or x, 'a', S).a += _rp_attr_aug(v, x, 'a', S)",
    ),
    "attribute augment, deep": ("x.a.b += 1", "_rp_attr_at(_rp_attr(x, 'a', S).a, 'b', S).b += 1"),
    "method, both computed": (
        "x.a.append(v())",
        "_rp_bind(_rp_receiver(_rp_attr(x, 'a', S).a, 'append', S).append, 'append', S, v())()",
    ),
    "in, computed": ("v() in x", "v() in _rp_read(x, S)"),
    "name": ("y = x()", "y = _rp_name(x(), S)"),
    "nameless": ("y = x + 1", "y = x + 1"),
    "dunder": ("__all__ = x()", "__all__ = x()"),
    "lambda": ("lambda: x[v()]", "lambda: _rp_item(x, (_rp_t1 := v()), S)[_rp_t1]"),
    "mark behind a future import": (
        "from __future__ import annotations\nannotations = 1",
        "from __future__ import annotations\nannotations = 1",
    ),
}


@pytest.mark.parametrize(("source", "expected"), MODULE_FORMS.values(), ids=MODULE_FORMS.keys())
def test_form_at_module_level(source: str, expected: str) -> None:
    assert rewritten(source) == expected


def test_while_announces_its_beginning_and_every_iteration() -> None:
    assert in_function("while x: pass") == (
        "_rp_enter(None, S)\nwhile _rp_loop(S) or _rp_true(x, S):\n    pass"
    )
    assert in_function("while True: break") == (
        "_rp_enter(None, S)\nwhile _rp_loop(S) or True:\n    break"
    )


def test_for_announces_its_iterations_only_if_others_may_end_it() -> None:
    assert in_function("for i in range(k):\n    if y.done: break") == (
        "for i in _rp_enter(range(k), S):\n    _rp_loop(S)\n"
        "    if _rp_true(_rp_attr(y, 'done', S).done, S):\n        break"
    )
    assert in_function("for i in iter(x, k):\n    if i: break") == (
        "for i in _rp_enter(iter(x, k), S):\n    _rp_loop(S)\n    if _rp_true(i, S):\n        break"
    )
    assert in_function("for i in range(9):\n    if i > 3: break") == (
        "for i in range(9):\n    if i > 3:\n        break"
    )


def test_a_function_that_calls_itself_until_others_say_so_announces_every_call() -> None:
    assert in_function("if y.done: return f(k)") == (
        "_rp_again(S)\nif _rp_true(_rp_attr(y, 'done', S).done, S):\n    return f(k)"
    )
    assert in_function("if y.done: return x.f(k)").startswith("_rp_again(S)\n")
    assert not in_function("if y.done: return y.f(k)").startswith("_rp_again")
    assert in_function("if k: return f(k)").startswith("if")
    assert in_function("return f(k)") == "return f(k)"


def test_addresses_that_only_put_objects_in_order_are_ranks() -> None:
    assert in_function("id(x) < id(y.a)") == "_rp_rank(x, S) < _rp_rank(_rp_attr(y, 'a', S).a, S)"
    assert in_function("id(x) >= id(y) > id(k)") == (
        "_rp_rank(x, S) >= _rp_rank(y, S) > _rp_rank(k, S)"
    )
    assert in_function("sorted((x, y), key=id)").endswith("key=_rp_rank_of)")
    assert in_function("min(x, y, key=lambda k: id(k.a))").endswith(
        "key=lambda k: _rp_rank_of(_rp_attr(k, 'a', S).a))"
    )
    assert in_function("x = [y, k]\nx.sort(key=id)").endswith("sort(key=_rp_rank_of)")
    for other in (
        "id(x) == id(y)",
        "id(x) < k",
        "f(key=id)",
        "id(x) < id(y) in v",
        "min(x, key=lambda id: id(k))",
    ):
        assert "_rp_rank" not in in_function(other)
    assert "_rp_rank" not in rewritten("def id(x): return 1\ndef f(x, y): return id(x) < id(y)")


def test_loop_over_a_variable() -> None:
    assert in_function("for i in x: pass") == "for i in _rp_iter(x, S):\n    pass"
    assert in_function("for i in (1, 2): pass") == "for i in (1, 2):\n    pass"
    assert in_function("for y.a in range(9): pass") == (
        "for _rp_attr_at(y, 'a', S).a in range(9):\n    pass"
    )


def test_private_names_are_mangled_as_the_compiler_does() -> None:
    source = """
    class _C:
        def f(self):
            self.__a = self.__b
    """
    assert "self.__a = _rp_attr_set(_rp_attr(self, '_C__b', S).__b, self, '_C__a', S)" in (
        rewritten(source)
    )


def test_local_numbers_need_no_hooks() -> None:
    source = """
    LIMIT = 9
    def f(x):
        i = total = 0
        while i < LIMIT and i < len(x):
            i += 1
            total += x.n
        for j, item in enumerate(x):
            print(f"{j} {total}", j < i)
    """
    text = rewritten(source)
    assert "i < LIMIT and i < len(_rp_len(x, S))" in text
    assert "total += _rp_attr(x, 'n', S).n" in text
    assert "print(f'{j} {total}', j < i)" in text


def test_functions_of_unwatched_modules_read_their_arguments() -> None:
    source = """
    import dataclasses, heapq, json, threading, shop
    from copy import copy
    def f(x, y):
        json.dumps(x)
        copy(y)
        dataclasses.asdict(y, dict_factory=x)
        print(y, file=x, sep="")
        heapq.heappush(x, y)
        heapq.heappush(x, y())
        threading.Thread(x)
        shop.sell(x)
    """
    text = rewritten(source, lambda name: name == "shop")
    body = [line.strip() for line in text.splitlines()[4:]]
    assert body == [
        "json.dumps(_rp_read(x, S))",
        "copy(_rp_snapshot(y, S, False))",
        "dataclasses.asdict(_rp_snapshot(y, S, True), dict_factory=x)",
        "print(_rp_read(y, S), file=_rp_meth(x, 'write', S), sep='')",
        "heapq.heappush(_rp_mutate(x, S), y)",
        "heapq.heappush(x, (y(), _rp_mutate(x, S))[0])",
        "threading.Thread(x)",
        "_rp_attr(shop, 'sell', S).sell(x)",
    ]


def test_attributes_of_foreign_modules_are_watched_if_stored_to() -> None:
    source = "import sys\ndef f():\n    sys.x = 1\n    return sys.x, sys.y\n"
    assert "return (_rp_attr(sys, 'x', S).x, sys.y)" in rewritten(source)


def test_a_shadowed_builtin_is_an_ordinary_function() -> None:
    assert rewritten("def len(x): pass\nlen(y)").endswith("\nlen(y)")


def test_match_announces_captures_of_hot_names() -> None:
    source = """
    def f(x):
        global found
        match x.a:
            case [found, *_] if found:
                pass
    """
    assert rewritten(source).endswith(
        "match _rp_read(_rp_attr(x, 'a', S).a, S):\n"
        "        case [found, *_] if _rp_true(_rp_glob(S) or found, S):\n"
        "            _rp_glob_mark(S)\n"
        "            pass"
    )


def test_docstrings_and_futures_stay_first() -> None:
    source = '''
    """Module."""
    from __future__ import annotations
    def f():
        """Function."""
        n = 0
        def g():
            nonlocal n
            n += 1
    '''
    tree = ast.parse(rewritten(source))
    assert ast.get_docstring(tree) == "Module."
    function = tree.body[2]
    assert isinstance(function, ast.FunctionDef)
    assert ast.get_docstring(function) == "Function."
    assert ast.unparse(function.body[1]) == "_rp_scope_1 = _rp_new_scope(S)"


def test_syntax_errors_are_the_compilers() -> None:
    with pytest.raises(SyntaxError) as caught:
        rewrite("x = = 1", "bad.py", "bad", 0)
    assert caught.value.filename == "bad.py"


def test_a_site_says_where_and_what() -> None:
    source = """
    class Account:
        def withdraw(self, amount):
            self.balance = self.balance - 1
    """
    store, load = sites(source)
    assert store == Site(
        "attr",
        "m.py",
        4,
        "Account.withdraw",
        "balance",
        "self.balance",
        store=True,
        rmw=True,
        column=8,
        end_line=4,
        end_column=20,
        module="m",
    )
    assert (load.store, load.column) == (False, 23)


def test_site_texts_are_short_lines() -> None:
    (site, *_) = sites(f"def f(x): return x.append([{'a, ' * 90}])")
    assert len(site.text) == 60
    assert site.text.endswith("…")


RMW = {
    "augmented": ("self.n += 1", True),
    "direct": ("self.n = self.n + 1", True),
    "through a local": ("new = self.n - 1\nself.n = new", True),
    "through two locals": ("a = self.n\nb = a + 1\nself.n = b", True),
    "through a walrus": ("if (a := self.n): self.n = a + 1", True),
    "through unpacking": ("a, b = 1, self.n\nself.n = b", True),
    "default": ("self.n = self.n or 5", False),
    "default, through a local": ("n = self.n or 5\nself.n = n", False),
    "default, chosen": ("self.n = 5 if self.n is None else self.n", False),
    "default of a lookup": ("self[k] = self.get(k) or []", False),
    "computed from a default": ("self.n = (self.n or 0) + 1", True),
    "computed or default": ("self.n = self.n - 1 or 5", True),
    "default of a local": ("k = k or 5\nself.n = k", False),
    "toggled": ("self.n = not self.n", True),
    "item": ("self[k] = self[k] + 1", True),
    "lookup": ("self[k] = self.get(k, 0) + 1", True),
    "other place": ("self.n = self.m + 1", False),
    "other key": ("self[k] = self[j]", False),
    "no load": ("self.n = k", False),
    "only in a lambda": ("self.n = lambda: self.n", False),
}


@pytest.mark.parametrize(("body", "expected"), RMW.values(), ids=RMW.keys())
def test_read_modify_write(body: str, expected: bool) -> None:
    source = "def f(self, k, j):\n" + textwrap.indent(body, "    ")
    stores = [site for site in sites(source) if site.store]
    assert [site.rmw for site in stores] == [expected]


def test_read_modify_write_of_a_global() -> None:
    source = "n = 0\ndef f():\n    global n\n    old = n\n    n = old + 1\n"
    assert [s.rmw for s in sites(source) if s.store] == [False, True]


def test_default_of_a_global_is_no_update() -> None:
    source = "n = None\ndef f():\n    global n\n    n = n or {}\n"
    assert [s.rmw for s in sites(source) if s.store] == [False, False]

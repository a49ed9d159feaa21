"""Hooks look at the objects they are given without running any code of the program's."""

from __future__ import annotations

import textwrap

import pytest
from instrument.generated import comparison

PROGRAMS = {
    "a metaclass that says what its classes are": """
        class Meta(type):
            def __getattribute__(cls, name): print("asked", name); return type.__getattribute__(cls, name)
            def __getattr__(cls, name): print("missing", name); raise AttributeError(name)
        class A(metaclass=Meta):
            __match_args__ = ("x",)
            xs = [1]
            def __init__(self): self.x = [self.xs]
        a = A()
        a.x.append(A.xs); A.xs = a.xs[:]; a.new = a; a.x = A
        match a:
            case A(x) if x is A: print("matched")
        print(vars(a).keys(), [a], len(A.xs))
    """,
    "a class that is still being made": """
        class Meta(type):
            def mro(cls):
                print(cls.__mro__, cls.__name__, cls.__dict__.get("x"), cls.seen if cls.__mro__ else 0)
                return super().mro()
        class A(metaclass=Meta): x = [1]
        class B(A): seen = A.x
    """,
    "a module that says what is in it": """
        import types
        class Module(types.ModuleType):
            def __getattribute__(self, name): print("get", name); return super().__getattribute__(name)
            def __setattr__(self, name, value): print("set", name); super().__setattr__(name, value)
            def __delattr__(self, name): print("del", name); super().__delattr__(name)
        m = Module("m")
        m.x = [1]; m.x.append(2); m.y = m.x; del m.x
        empty = types.ModuleType.__new__(types.ModuleType)
        try: empty.x
        except AttributeError as e: show(e)
        m.__dict__["z"] = 1
        print(hasattr(m, "x"), getattr(m, "z", 0), len(m.y))
    """,
    "an instance that says what is in it": """
        class A:
            @property
            def __class__(self): print("class"); return int
            kept = [1]
            def __getattr__(self, name): print("missing", name); return [name]
        a = A()
        a.b = a.c; a.kept.append(a.b); a.kept = a.kept; a.kept += [1]
        print(vars(a))
        class B(A):
            def __getattribute__(self, name): print("get", name); return object.__getattribute__(self, name)
        b = B(); b.x = b.y; b.kept; b.kept = 1; print(b.kept, b.x)
    """,
    "a class whose names are no texts": """
        class A: pass
        A.__module__ = 5
        a = A(); a.x = [a]; a.x[0].y = A; A.z = a
        del A.__module__
        class B: __module__ = property(lambda self: "x")
        b = B(); b.x = {"b": b}; b.x["b"].y = 1; B.z = b
        print(len(a.x), len(b.x), a.y is A)
    """,
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_hooks_run_no_code_of_the_program(name: str) -> None:
    source = textwrap.dedent(PROGRAMS[name]).strip("\n") + "\n"
    comparison.give_source(source)
    plain = comparison.plain(source)
    assert comparison.rewritten(source) == plain
    assert comparison.executed(source) == plain

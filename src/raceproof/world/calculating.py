"""Which functions only calculate, so that nobody notices how often, and when, they run.

That is told from their bytecode, and errs on the side of those that may do more.
"""

from __future__ import annotations

import builtins
import types
from typing import Any, Final

SCALARS: Final = frozenset({int, float, complex, bool, str, bytes, type(None)})
HARMLESS: Final = frozenset(
    {
        "abs", "all", "any", "bool", "bytes", "chr", "complex", "dict", "divmod", "enumerate",
        "filter", "float", "format", "frozenset", "hash", "int", "isinstance", "len", "list", "map",
        "max", "min", "ord", "pow", "range", "repr", "reversed", "round", "set", "sorted", "str",
        "sum", "tuple", "zip", "ArithmeticError", "TypeError", "ValueError",
    }
)  # fmt: skip
"""Builtins that only calculate."""
METHODS: Final = frozenset(
    name
    for kind in (str, bytes, int, float, complex, tuple, list, dict, set, frozenset)
    for name in dir(kind)
    if not name.startswith("_") and not hasattr(builtins, name)
)
VARIABLES: Final = ("_rp_glob", "_rp_cell", "_rp_names_set", "_rp_ident")
"""Prefixes of the hooks for what is outside of the function; all others are for its objects."""
COMPREHENSIONS: Final = frozenset({"<genexpr>", "<listcomp>", "<setcomp>", "<dictcomp>"})
NOT_PLAIN: Final = 0x20 | 0x80 | 0x200
"""Flags of generators and coroutines."""


def is_scalar(value: Any) -> bool:
    """Whether all there is to a value is what it is equal to."""
    tp = type(value)
    return tp in SCALARS or (tp is tuple and all(map(is_scalar, value)))


def only_calculates(function: Any) -> bool:
    """Whether a function only calculates, if it is given scalars: it calls nothing but builtins
    and methods of the builtin types, and itself.  (What it returns is another question.)"""
    if type(function) is not types.FunctionType or function.__closure__:
        return False
    defaults = (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values())
    if not all(map(is_scalar, defaults)):
        return False
    namespace = function.__globals__
    code = function.__code__
    allowed = {name for name in HARMLESS if name not in namespace} | {code.co_name}
    return _is_harmless(code, allowed, namespace)


def _is_harmless(code: types.CodeType, allowed: set[str], namespace: dict[str, Any]) -> bool:
    if code.co_flags & NOT_PLAIN and code.co_name != "<genexpr>":
        return False
    for name in code.co_names:
        if name in allowed or (name in METHODS and name not in namespace):
            continue
        if not name.startswith("_rp_") or name.startswith(VARIABLES):
            return False
    inner = [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]
    return all(
        each.co_name in COMPREHENSIONS and _is_harmless(each, allowed, namespace) for each in inner
    )

"""Hooks that do nothing but check how they are called."""

from __future__ import annotations

import builtins
import operator
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any


def _site(*sites: Any) -> None:
    for site in sites:
        assert type(site) is int, site


def _named(name: Any) -> None:
    assert type(name) is str, name


class Scope:
    """What `_rp_new_scope` returns: the closure variables of one call of a function."""


def _rp_attr(base: Any, name: str, site: int) -> Any:
    _named(name)
    _site(site)
    return base


def _rp_attr_set(value: Any, base: Any, name: str, site: int) -> Any:
    _site(site)
    return value


def _rp_attr_at(base: Any, name: str, site: int) -> Any:
    _named(name)
    _site(site)
    return base


_rp_attr_aug = _rp_attr_set


def _rp_attr_dyn(base: Any, name: Any, site: int) -> Any:
    _site(site)
    return base


_rp_attr_dyn_at = _rp_attr_dyn


def _rp_item(base: Any, key: Any, site: int) -> Any:
    _site(site)
    return base


_rp_item_at = _rp_item


def _rp_snapshot(obj: Any, site: int, deep: bool) -> Any:
    _site(site)
    assert type(deep) is bool
    return obj


def _rp_item_set(value: Any, base: Any, key: Any, site: int) -> Any:
    _site(site)
    return value


_rp_item_aug = _rp_item_set


_rp_getitem = operator.getitem
_rp_rank_of = id


def _rp_rank(value: Any, site: int) -> int:
    _site(site)
    return id(value)


def _rp_both(base: Any, key: Any, site: int) -> tuple[Any, Any]:
    _site(site)
    return base, key


def _rp_read(value: Any, site: int) -> Any:
    _site(site)
    return value


_rp_whole = _rp_whole_at = _rp_ident = _rp_len = _rp_next = _rp_true = _rp_iter = _rp_read
_rp_mutate = _rp_name = _rp_reversed = _rp_iters = _rp_yield = _rp_iterator = _rp_read
_rp_enter = _rp_read


def _rp_aug(value: Any, target: Any, site: int) -> Any:
    _site(site)
    return value


def _rp_given(value: Any, base: Any, name: str, site: int) -> Any:
    _named(name)
    _site(site)
    return value


def _rp_match(subject: Any, site: int, positions: int, *names: str) -> Any:
    _site(site, positions)
    for name in names:
        _named(name)
    return subject


def _rp_in(container: Any, element: Any, site: int) -> Any:
    _site(site)
    return container


def _rp_glob(site: int) -> None:
    _site(site)


_rp_glob_mark = _rp_loop = _rp_again = _rp_glob


def _rp_glob_set(value: Any, site: int) -> Any:
    _site(site)
    return value


def _rp_new_scope(site: int) -> Scope:
    _site(site)
    return Scope()


def _rp_cell(scope: Scope, site: int) -> None:
    assert type(scope) is Scope
    _site(site)


_rp_cell_mark = _rp_cell


def _rp_cell_set(value: Any, scope: Scope, site: int) -> Any:
    assert type(scope) is Scope
    _site(site)
    return value


def _rp_names_set(
    value: Any, sites: tuple[int, ...], scopes: tuple[Scope | None, ...] | None
) -> Any:
    _site(*sites)
    if scopes is not None:
        assert len(scopes) == len(sites)
        assert all(scope is None or type(scope) is Scope for scope in scopes)
    return value


def _rp_meth(base: Any, name: str, site: int, *args: Any, more: bool = False) -> Any:
    _named(name)
    _site(site)
    return base


def _rp_meth_arg(
    value: Any,
    base: Any,
    name: str,
    site: int,
    *before: Any,
    at: int | None = None,
    more: bool = False,
) -> Any:
    _named(name)
    _site(site)
    assert at is None or at == len(before)
    return value


def _rp_receiver(base: Any, name: str, site: int) -> Any:
    _named(name)
    _site(site)
    return base


def _rp_bind(bound: Any, name: str, site: int, /, *args: Any, **kwargs: Any) -> Any:
    _named(name)
    _site(site)
    return partial(bound, *args, **kwargs) if callable(bound) else bound


def _rp_taken(value: Any, site: int) -> Any:
    _site(site)
    return value


HOOKS = {name: hook for name, hook in globals().items() if name.startswith("_rp_")}


@contextmanager
def installed() -> Iterator[None]:
    """The hooks as builtins, for a while."""
    before = {name: getattr(builtins, name) for name in HOOKS if hasattr(builtins, name)}
    vars(builtins).update(HOOKS)
    try:
        yield
    finally:
        for name in HOOKS:
            delattr(builtins, name)
        vars(builtins).update(before)

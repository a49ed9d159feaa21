"""What the source of a loop tells about whether it waits: what ends it, and what changes in it.

A loop waits for others only if what ends it may be their doing.  Of its variables only those count
that bear on how it goes on; one that merely counts the rounds does not make them different.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, TypeAlias

from raceproof.events import Loop
from raceproof.instrument.rewriting.knowledge import (
    CONTAINER_METHODS,
    DEEP_READERS,
    HANDING_OUT,
    PLAIN_RESULTS,
    READERS,
    SIMULATED_METHODS,
)

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
_Leaving: TypeAlias = ast.Return | ast.Raise | ast.Continue | ast.Assert
_Block: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda
_Inside: TypeAlias = ast.While | ast.For | ast.AsyncFor

LOOKS: Final = frozenset({"is_set", "isSet", "is_alive", "done", "cancelled", "running", "locked"})
"""Methods that tell a state and change nothing."""
PAUSES: Final = frozenset({"sleep"})
"""Functions whose arguments only say how long to wait."""


def loop_of(
    node: ast.While | ast.For, is_shared: Callable[[str], bool], is_own: Callable[[str], bool]
) -> Loop:
    """The loop of a statement that has not been rewritten yet.

    `is_shared(name)`: whether other threads may rebind the variable of this name.
    `is_own(name)`: whether it is a variable of the function around the loop.
    """
    body = [*node.body]
    ends = [] if isinstance(node, ast.For) else [node.test]
    ends = [test for test in [*ends, *_conditions(body)] if not isinstance(test, ast.Constant)]
    bound = _bindings(body)
    if isinstance(node, ast.For):
        for name in _names_in(node.target, ast.Store):
            bound.setdefault(name, [])
    for part in _own_nodes([*ends]):
        if isinstance(part, ast.NamedExpr):
            bound.setdefault(part.target.id, []).append(part.value)
    deciding = _with_sources(ends, bound)
    endless = not ends and isinstance(node, ast.While)
    hands_out = any(
        isinstance(part, ast.Yield | ast.YieldFrom | ast.Await) for part in _own_nodes(body)
    )
    return Loop(
        polls=endless or any(_may_be_shared(test, is_shared) for test in deciding),
        counted=hands_out,
        until_told=not hands_out and (endless or _is_told(deciding, bound, body)),
        names=tuple(filter(is_own, _deciding_names(node, ends, bound))),
        calls=tuple(sorted({name for test in deciding for name in _asked(test)})),
    )


def again_of(node: Function, is_shared: Callable[[str], bool]) -> Loop | None:
    """A function that calls itself, as a loop; None if it does not.

    See `loop_of` for `is_shared`.
    """
    arguments = node.args
    given = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    names = tuple(argument.arg for argument in given)
    for part in _own_nodes(node.body):
        match part:
            case ast.Call(func=ast.Name(id=called)):
                calls_itself = called == node.name
            case ast.Call(func=ast.Attribute(value=ast.Name(id=receiver), attr=called)):
                calls_itself = called == node.name and names[:1] == (receiver,)
            case _:
                continue
        if calls_itself:
            break
    else:
        return None
    tests: list[ast.expr] = []
    for part in _own_nodes(node.body):
        if isinstance(part, ast.If | ast.IfExp | ast.While):
            tests.append(part.test)
        elif isinstance(part, ast.BoolOp):
            tests.append(part)
    deciding = _with_sources(tests, _bindings(node.body))
    if not any(_may_be_shared(test, lambda name: name not in names and is_shared(name))
               for test in deciding):  # fmt: skip
        return None
    return Loop(polls=True, counted=False, until_told=False, names=names)


def each_of(target: ast.expr | None, uses: Iterable[ast.AST]) -> Loop:
    """A loop that stands in no statement: of a comprehension, or of what goes through an iterator.

    Its rounds are unlike each other if the elements, bound to `target`, are used.
    """
    bound = set() if target is None else _names_in(target, ast.Store)
    used = {name for part in uses for name in _names_in(part, ast.Load)}
    return Loop(polls=True, counted=target is None or bool(bound & used), until_told=False)


# -- what ends a loop ------------------------------------------------------------------------------


def _conditions(body: Sequence[ast.stmt], inside: bool = False) -> Iterator[ast.expr]:
    """What decides whether, in a round, something is reached that leaves the loop.

    `inside` a loop in the loop, `break` does not.
    """
    for node in body:
        match node:
            case ast.If(test=test, body=then, orelse=otherwise):
                if _leaves([*then, *otherwise], inside):
                    yield test
                yield from _conditions([*then, *otherwise], inside)
            case ast.Assert(test=test):
                yield test
            case ast.While() | ast.For() | ast.AsyncFor():
                if _leaves(node.body, True):
                    yield node.test if isinstance(node, ast.While) else node.iter
                yield from _conditions(node.body, True)
                yield from _conditions(node.orelse, inside)
            case ast.With() | ast.AsyncWith():
                yield from _conditions(node.body, inside)
            case ast.Match(subject=subject, cases=cases):
                bodies = [statement for case in cases for statement in case.body]
                if _leaves(bodies, inside):
                    yield subject
                    yield from (case.guard for case in cases if case.guard is not None)
                yield from _conditions(bodies, inside)
            case ast.Try() | ast.TryStar():
                handlers = [statement for handler in node.handlers for statement in handler.body]
                rest = [*handlers, *node.orelse, *node.finalbody]
                if _leaves([*node.body, *rest], inside):
                    # An exception decides, and any call may raise one.
                    for part in _own_nodes(node.body):
                        if isinstance(part, ast.Call | ast.Subscript):
                            yield part
                yield from _conditions([*node.body, *rest], inside)


def _leaves(body: Iterable[ast.stmt], inside: bool) -> bool:
    """Whether there is a statement in there that ends the round, or the loop, early."""
    for node in body:
        if isinstance(node, _Leaving) or (isinstance(node, ast.Break) and not inside):
            return True
        if isinstance(node, _Block):
            continue
        deeper = inside or isinstance(node, _Inside)
        for field in ("body", "orelse", "finalbody"):
            if _leaves(getattr(node, field, ()), deeper):
                return True
        for part in [*getattr(node, "handlers", ()), *getattr(node, "cases", ())]:
            if _leaves(part.body, inside):
                return True
    return False


def _with_sources(tests: Sequence[ast.expr], bound: dict[str, list[ast.expr]]) -> list[ast.expr]:
    """The tests, and what is assigned in the loop to the variables that they use."""
    found = list(tests)
    seen: set[str] = set()
    for test in found:
        for name in _names_in(test, ast.Load) - seen:
            seen.add(name)
            found.extend(bound.get(name, ()))
    return found


def _may_be_shared(test: ast.expr, is_shared: Callable[[str], bool]) -> bool:
    for part in _own_nodes([test]):
        match part:
            case ast.Call(func=ast.Name(id=name)) if name in PLAIN_RESULTS:
                continue
            case ast.Call() | ast.Attribute() | ast.Subscript() | ast.Await():
                return True
            case ast.Name(id=name) if is_shared(name):
                return True
    return False


def _is_told(
    deciding: Sequence[ast.expr], bound: dict[str, list[ast.expr]], body: Sequence[ast.stmt]
) -> bool:
    """Whether the loop itself changes nothing of what ends it, as far as one can see."""
    looked_at: set[str] = set()
    for test in deciding:
        for part in _own_nodes([test]):
            match part:
                case ast.Call(func=ast.Attribute(value=receiver, attr=name), args=[], keywords=[]):
                    if name not in LOOKS:
                        return False
                    looked_at |= _names_of(receiver)
                case ast.Call() | ast.Subscript() | ast.NamedExpr() | ast.Await():
                    return False
                case ast.Name(id=name):
                    if name in bound:
                        return False
                    looked_at.add(name)
                case ast.Attribute(attr=name):
                    looked_at.add(name)
    return not looked_at & _changed(body)


def _asked(test: ast.expr) -> Iterator[str]:
    """The functions and methods that a test calls, but for those whose behaviour is known."""
    for part in _own_nodes([test]):
        match part:
            case ast.Call(func=ast.Name(id=name)):
                if name not in PLAIN_RESULTS | HANDING_OUT | DEEP_READERS | READERS:
                    yield name
            case ast.Call(func=ast.Attribute(attr=name)):
                if name not in SIMULATED_METHODS | CONTAINER_METHODS:
                    yield name
            case ast.Call():
                yield ""


def _names_of(receiver: ast.expr) -> set[str]:
    return {
        part.attr if isinstance(part, ast.Attribute) else part.id
        for part in ast.walk(receiver)
        if isinstance(part, ast.Attribute | ast.Name)
    }


def _changed(body: Sequence[ast.stmt]) -> set[str]:
    """Names and attributes that the body stores, or calls methods of."""
    found: set[str] = set()
    for part in _own_nodes(body):
        match part:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                found.add(name)
            case ast.Attribute(attr=name, ctx=ast.Store() | ast.Del()):
                found.add(name)
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=method)):
                if method not in LOOKS:
                    found.add(name)
            case ast.Call(func=ast.Attribute(value=ast.Attribute(attr=name), attr=method)):
                if method not in LOOKS:
                    found.add(name)
    # What `self.stop` is to be is not the business of `self`.
    return found - {"self", "cls"}


# -- what changes in a loop ------------------------------------------------------------------------


def _bindings(body: Sequence[ast.stmt]) -> dict[str, list[ast.expr]]:
    """The variables that the loop binds, and what it assigns to them."""
    found: dict[str, list[ast.expr]] = {}
    for part in _own_nodes(body):
        match part:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    for name in _names_in(target, ast.Store):
                        found.setdefault(name, []).append(value)
            case (
                ast.AugAssign(target=ast.Name(id=name), value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
                | ast.NamedExpr(target=ast.Name(id=name), value=value)
            ):
                found.setdefault(name, []).append(value)
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                found.setdefault(name, [])
            case ast.ExceptHandler(name=str() as name):
                found.setdefault(name, [])
            case ast.MatchAs(name=str() as name) | ast.MatchStar(name=str() as name):
                found.setdefault(name, [])
    return found


def _deciding_names(
    node: ast.While | ast.For, ends: Sequence[ast.expr], bound: dict[str, list[ast.expr]]
) -> tuple[str, ...]:
    """Of the variables that change in the loop, those that are used for more than themselves."""
    used: set[str] = set()
    for test in ends:
        used |= _names_in(test, ast.Load)
    for statement in _simple_statements(node.body):
        used |= _used_by(statement)
    # What is assigned from is used if what is assigned to is.
    growing = True
    while growing:
        sources = {
            name
            for target in used & bound.keys()
            for value in bound[target]
            for name in _names_in(value, ast.Load)
        }
        growing = not sources <= used
        used |= sources
    return tuple(sorted((used & bound.keys()) | _filled(node.body)))


def _used_by(statement: ast.stmt | ast.expr) -> set[str]:
    """The variables that a statement uses other than to compute the next value of a variable."""
    match statement:
        case (
            ast.Assign(targets=[ast.Name()], value=value)
            | ast.AugAssign(target=ast.Name(), value=value)
            | ast.AnnAssign(target=ast.Name(), value=ast.expr() as value)
        ):
            return set().union(*map(_given_away, _own_nodes([value])))
    return _names_in(statement, ast.Load) - _paused_for(statement)


def _given_away(part: ast.AST) -> set[str]:
    """The variables that a call hands to others, a method call its object included."""
    if not isinstance(part, ast.Call):
        return set()
    return _names_in(part, ast.Load) - _paused_for(part)


def _paused_for(node: ast.AST) -> set[str]:
    """The variables that say nothing but how long to sleep."""
    within: set[str] = set()
    without: set[str] = set()
    waiting: list[tuple[ast.AST, bool]] = [(node, False)]
    while waiting:
        part, pausing = waiting.pop()
        if isinstance(part, ast.Name):
            (within if pausing else without).add(part.id)
        if isinstance(part, ast.Call) and not PAUSES.isdisjoint(_called(part)):
            waiting.append((part.func, pausing))
            waiting.extend((argument, True) for argument in part.args)
            continue
        waiting.extend((child, pausing) for child in ast.iter_child_nodes(part))
    return within - without


def _simple_statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt | ast.expr]:
    """The statements without others inside; of those with others, what they evaluate."""
    for node in body:
        if isinstance(node, _Block):
            continue
        inner: list[ast.stmt] = []
        for field in ("body", "orelse", "finalbody"):
            inner.extend(getattr(node, field, ()))
        for part in [*getattr(node, "handlers", ()), *getattr(node, "cases", ())]:
            inner.extend(part.body)
        if not inner:
            yield node
            continue
        yield from _simple_statements(inner)
        # The tests of loops and branches count as well: they decide what is done in a round.
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                yield child
            elif isinstance(child, ast.withitem):
                yield child.context_expr


def _filled(body: Sequence[ast.stmt]) -> set[str]:
    """Variables whose objects the loop may change: methods are called, items are stored."""
    found: set[str] = set()
    for part in _own_nodes(body):
        match part:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name))):
                found.add(name)
            case ast.Subscript(value=ast.Name(id=name), ctx=ast.Store() | ast.Del()):
                found.add(name)
    return found


def _called(call: ast.Call) -> tuple[str | None, str | None]:
    """The name of a function or method that is called, whichever it is."""
    return getattr(call.func, "id", None), getattr(call.func, "attr", None)


# -- nodes -----------------------------------------------------------------------------------------


def _own_nodes(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """The nodes of a block that run with it, not those of functions defined in it."""
    waiting = list(body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, _Block):
            waiting.extend(ast.iter_child_nodes(node))


def _names_in(node: ast.AST, context: type[ast.Load] | type[ast.Store]) -> set[str]:
    return {
        part.id
        for part in ast.walk(node)
        if isinstance(part, ast.Name) and isinstance(part.ctx, context)
    }

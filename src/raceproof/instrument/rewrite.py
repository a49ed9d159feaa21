"""AST in, AST out: before each operation that another thread could notice stands a call of a hook.

A hook announces, with the operands at hand, what the very next native operation will do, and
returns an operand or None; the operation itself stays where it was, so that tracebacks, messages
and semantics are those of the plain program.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from ..events import Site
from .dataflow import Dataflow, pairs, text
from .knowledge import (
    CONTAINER_METHODS,
    FRESH,
    KEEPERS,
    LAZY_READERS,
    MUTATORS,
    READERS,
    SUBMODULES,
)
from .plain import Plain
from .scopes import Comprehension, Function, Scope, Scopes

TEXT_WIDTH = 60
DEEP = 20_000
"""Frames that a deeply nested expression may take; the compiler gives up long before."""

Looking = ast.Name | ast.Attribute | ast.Subscript
"""Expressions whose value existed before: others may have it too."""
Obtaining = ast.Name | ast.Attribute | ast.Subscript | ast.Call
Tested = ast.Name | ast.Attribute | ast.Subscript | ast.Call | ast.Await | ast.NamedExpr
Fresh = (
    ast.Constant
    | ast.BinOp
    | ast.UnaryOp
    | ast.Compare
    | ast.JoinedStr
    | ast.Lambda
    | ast.ListComp
    | ast.SetComp
    | ast.DictComp
    | ast.GeneratorExp
)
"""Expressions whose value is new, or a mere number."""
Nameless = ast.Constant | ast.BinOp | ast.UnaryOp | ast.Compare | ast.JoinedStr | ast.Lambda
"""Expressions whose value is not worth a name in a report."""

Node = TypeVar("Node", bound=ast.AST)


@dataclass(slots=True)
class Rewritten:
    tree: ast.Module
    sites: list[Site]


def rewrite(
    source: str | bytes,
    filename: str,
    module: str,
    first_site: int,
    *,
    is_watched: Callable[[str], bool] = lambda name: False,
) -> Rewritten:
    """The watched version of a module; `sites[k]` is what hooks know as `first_site + k`."""
    tree = compile(source, filename, "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
    assert isinstance(tree, ast.Module)
    is_package = filename.replace("\\", "/").rpartition("/")[2] == "__init__.py"
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, DEEP))
    try:
        scopes = Scopes(tree, module, is_package, is_watched)
        rewriter = _Rewriter(scopes, filename, module, first_site, is_watched)
        rewriter.module(tree)
        ast.fix_missing_locations(tree)
    finally:
        sys.setrecursionlimit(limit)
    return Rewritten(tree, rewriter.sites)


class _Temps:
    """Fresh local names for one function; none where they would be seen from outside."""

    def __init__(self, allowed: bool) -> None:
        self.allowed = allowed
        self.count = 0


class _Rewriter:
    def __init__(
        self,
        scopes: Scopes,
        filename: str,
        module: str,
        first_site: int,
        is_watched: Callable[[str], bool],
    ) -> None:
        self.scopes = scopes
        self.filename = filename
        self.module_name = module
        self.first_site = first_site
        self.is_watched = is_watched
        self.sites: list[Site] = []
        self.scope = scopes.module
        self.temps = _Temps(allowed=False)
        self.iterable = 0
        """How many comprehension iterables we are in: `:=` is forbidden there."""
        self.flow = Dataflow(())
        self.plain: dict[Scope, Plain] = {}
        self.stored_on_modules: set[str] = set()
        """`name.attribute` texts that this file stores to."""

    # ------------------------------------------------------------------ small pieces

    def site(
        self,
        kind: str,
        node: ast.AST,
        name: str = "",
        *,
        store: bool = False,
        rmw: bool = False,
        targets: tuple[str, ...] = (),
    ) -> ast.Constant:
        """A new site, as the constant that goes into the hook call.

        To be made before the parts of `node` are rewritten: its text is the user's.
        """
        index = self.first_site + len(self.sites)
        line = getattr(node, "lineno", 1)
        column = getattr(node, "col_offset", 0)
        self.sites.append(
            Site(
                kind,
                self.filename,
                line,
                self.scope.runner.qualname if self.scope.kind != "class" else self.scope.qualname,
                name,
                _one_line(node),
                store=store,
                rmw=rmw,
                column=column,
                end_line=getattr(node, "end_lineno", None) or line,
                end_column=getattr(node, "end_col_offset", None) or column,
                module=self.module_name,
                targets=targets,
            )
        )
        return ast.Constant(index)

    def is_simple(self, node: ast.expr) -> bool:
        """Whether mentioning the expression twice costs nothing and runs nothing."""
        match node:
            case ast.Name(id=name):
                return not self.scope.is_hot(self.scope.mangle(name))
            case ast.Constant() | ast.UnaryOp(op=ast.USub(), operand=ast.Constant()):
                return True
        return False

    def is_pure(self, node: ast.expr) -> bool:
        """Whether evaluating the expression runs neither user code nor a hook."""
        match node:
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                return all(map(self.is_pure, elements))
            case ast.Set(elts=elements):
                return all(isinstance(element, ast.Constant) for element in elements)
            case ast.Dict(keys=keys, values=values):
                return all(isinstance(key, ast.Constant) for key in keys) and all(
                    map(self.is_pure, values)
                )
            case ast.JoinedStr(values=values):
                return all(isinstance(value, ast.Constant) for value in values)
            case ast.Lambda(args=arguments):
                defaults = [*arguments.defaults, *arguments.kw_defaults]
                return all(d is None or self.is_pure(d) for d in defaults)
            case ast.Starred(value=ast.Name(id=name)):
                return self.is_own_spread(name)
        return self.is_simple(node)

    def is_pure_keyword(self, keyword: ast.keyword) -> bool:
        if keyword.arg is None:
            return isinstance(keyword.value, ast.Name) and self.is_own_spread(keyword.value.id)
        return self.is_pure(keyword.value)

    def is_own_spread(self, name: str) -> bool:
        """Whether the name is the `*args` or `**kwargs` of the function at hand."""
        mangled = self.scope.mangle(name)
        owner = self.scope.owner(mangled)
        return (
            mangled in owner.spread and owner is self.scope.runner and mangled not in owner.stores
        )

    def is_plain(self, node: ast.expr) -> bool:
        """Whether the value is a number or the like, which nobody can change."""
        plain = self.plain.get(self.scope)
        if plain is not None:
            return plain.holds(node)
        return isinstance(node, ast.Constant)

    def find_plain(self, scope: Scope, body: Sequence[ast.AST]) -> None:
        """To be done on entering a block, before anything in it is rewritten."""
        above = scope.parent

        def is_plain_outside(name: str) -> bool:
            owner = scope.owner(name) if above is None else above.owner(name)
            plain = self.plain.get(owner)
            return plain is not None and name in plain.names and name not in owner.hot

        unknown = scope.parameters | scope.hot | scope.globals | scope.nonlocals
        self.plain[scope] = Plain(body, scope.is_builtin, is_plain_outside, unknown)

    def looks(self, node: ast.expr) -> bool:
        """Whether the expression gets hold of something that others may have, and change."""
        return isinstance(node, Looking) and not self.is_plain(node)

    @property
    def can_keep(self) -> bool:
        """Whether a temporary may be bound here."""
        return self.temps.allowed and not self.iterable

    def temporary(self) -> str:
        self.temps.count += 1
        return f"_rp_t{self.temps.count}"

    @contextmanager
    def without_temps(self) -> Iterator[None]:
        before = self.temps
        self.temps = _Temps(allowed=False)
        yield
        self.temps = before

    @contextmanager
    def inside(self, scope: Scope, temps: _Temps, flow: Dataflow | None = None) -> Iterator[None]:
        before = self.scope, self.temps, self.flow
        self.scope, self.temps = scope, temps
        self.flow = self.flow if flow is None else flow
        yield
        self.scope, self.temps, self.flow = before

    def wrapped(self, hook: str, kind: str, node: ast.expr, name: str = "") -> ast.expr:
        """`hook(<node>, S)`."""
        site = self.site(kind, node, name)
        return _call(hook, [self.expr(node), site], node)

    def read(self, node: ast.expr) -> ast.expr:
        return self.wrapped("_rp_read", "read", node)

    # ------------------------------------------------------------------ blocks

    def module(self, tree: ast.Module) -> None:
        self.flow = Dataflow(tree.body)
        self.find_plain(self.scope, tree.body)
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Attribute)
                and not isinstance(node.ctx, ast.Load)
                and self.is_foreign(node.value)
            ):
                self.stored_on_modules.add(text(node))
        tree.body = self.block(tree.body)

    def block(self, body: Sequence[ast.stmt]) -> list[ast.stmt]:
        return [rewritten for statement in body for rewritten in self.stmt(statement)]

    def stmt(self, node: ast.stmt) -> list[ast.stmt]:
        handler = getattr(self, f"stmt_{type(node).__name__}", None)
        if handler is None:
            self.generic(node)
            return [node]
        result: list[ast.stmt] = handler(node)
        return result

    def expr(self, node: ast.expr) -> ast.expr:
        handler = getattr(self, f"expr_{type(node).__name__}", None)
        if handler is None:
            self.generic(node)
            return node
        result: ast.expr = handler(node)
        return result

    def exprs(self, nodes: Sequence[ast.expr]) -> list[ast.expr]:
        return [self.expr(node) for node in nodes]

    def generic(self, node: ast.AST) -> None:
        """Rewrites the parts of a node that needs nothing itself."""
        for field, value in ast.iter_fields(node):
            if isinstance(value, ast.expr):
                setattr(node, field, self.expr(value))
            elif isinstance(value, list):
                value[:] = [self.part(part) for part in value]

    def part(self, part: Any) -> Any:
        if isinstance(part, ast.expr):
            return self.expr(part)
        if isinstance(part, ast.keyword):
            part.value = self.expr(part.value)
        return part

    # ------------------------------------------------------------------ hot names

    def place(self, name: str) -> tuple[str, list[ast.expr]] | None:
        """For a hot name: "glob" or "cell", and the scope object that goes into its hooks."""
        mangled = self.scope.mangle(name)
        owner = self.scope.owner(mangled)
        if mangled not in owner.hot:
            return None
        if owner.kind == "module":
            return "glob", []
        return "cell", [_name(_scope_name(owner))]

    def name_site(
        self, kind: str, node: ast.AST, name: str, *, store: bool = False, rmw: bool = False
    ) -> ast.Constant:
        kind = "global" if kind == "glob" else "cell"
        return self.site(kind, node, self.scope.mangle(name), store=store, rmw=rmw)

    def marks(self, nodes: Sequence[ast.AST | None]) -> list[ast.stmt]:
        """Statements announcing stores of the hot names among these targets."""
        found: list[ast.stmt] = []
        for node in nodes:
            if node is None:
                continue
            for part in ast.walk(node):
                if isinstance(part, ast.Name) and not isinstance(part.ctx, ast.Load):
                    found.extend(self.mark(part.id, part))
        return found

    def mark(self, name: str | None, node: ast.AST) -> list[ast.stmt]:
        place = self.place(name) if name is not None else None
        if name is None or place is None:
            return []
        kind, scope = place
        site = self.name_site(kind, node, name, store=True)
        return [_statement(_call(f"_rp_{kind}_mark", [*scope, site], node), node)]

    def expr_Name(self, node: ast.Name) -> ast.expr:
        place = self.place(node.id)
        if place is None or not isinstance(node.ctx, ast.Load):
            return node
        kind, scope = place
        site = self.name_site(kind, node, node.id)
        hook = _call(f"_rp_{kind}", [*scope, site], node)
        return _at(ast.BoolOp(ast.Or(), [hook, node]), node)

    def expr_NamedExpr(self, node: ast.NamedExpr) -> ast.expr:
        place = self.place(node.target.id)
        if place is None:
            node.value = self.expr(node.value)
            return node
        kind, scope = place
        rmw = self.flow.loads(node.value, node.target)
        site = self.name_site(kind, node.target, node.target.id, store=True, rmw=rmw)
        node.value = _call(f"_rp_{kind}_set", [self.expr(node.value), *scope, site], node.value)
        return node

    # ------------------------------------------------------------------ attributes and items

    def is_foreign(self, node: ast.expr) -> bool:
        """Whether the expression is a module of the standard library, and not watched.

        (Of other modules we cannot be sure that no watched code stores to them.)
        """
        path = self.module_path(node)
        return (
            path is not None
            and path.partition(".")[0] in sys.stdlib_module_names
            and not self.is_watched(path)
        )

    def module_path(self, node: ast.expr) -> str | None:
        if isinstance(node, ast.Name):
            found = self.scope.imported(self.scope.mangle(node.id))
            return found[0] if found is not None and found[1] is None else None
        if isinstance(node, ast.Attribute):
            above = self.module_path(node.value)
            path = f"{above}.{node.attr}"
            return path if path in SUBMODULES else None
        return None

    def is_super(self, node: ast.expr) -> bool:
        match node:
            case ast.Call(func=ast.Name(id="super")):
                return self.scope.is_builtin("super")
        return False

    def expr_Attribute(self, node: ast.Attribute) -> ast.expr:
        base = node.value
        if self.is_super(base):
            return node
        if isinstance(base, ast.Constant | ast.JoinedStr) or (
            self.is_foreign(base) and text(node) not in self.stored_on_modules
        ):
            node.value = self.expr(base)
        else:
            node.value = self.attribute_hook("_rp_attr", node, "attr")
        return node

    def attribute_hook(
        self, hook: str, node: ast.Attribute, kind: str, *, store: bool = False, rmw: bool = False
    ) -> ast.expr:
        """`hook(X, 'a', S)` for X.a."""
        name = self.scope.mangle(node.attr)
        site = self.site(kind, node, name, store=store, rmw=rmw)
        return _call(hook, [self.expr(node.value), ast.Constant(name), site], node)

    def expr_Subscript(self, node: ast.Subscript) -> ast.expr:
        base, key = node.value, node.slice
        if isinstance(base, ast.Constant | ast.JoinedStr):
            self.generic(node)
        elif _has_slice(key):
            self.slice_load(node)
        elif self.is_simple(key):
            site = self.site("item", node)
            node.value = _call("_rp_item", [self.expr(base), _copy(key), site], node)
        elif self.can_keep:
            site = self.site("item", node)
            base, temp = self.expr(base), self.temporary()
            keep = _keep(temp, self.expr(key))
            node.value = _call("_rp_item", [base, keep, site], node)
            node.slice = _at(_name(temp), key)
        elif isinstance(key, ast.Tuple) and all(map(self.is_simple, key.elts)):
            site = self.site("item", node)
            node.value = _call("_rp_item", [self.expr(base), _copy(key), site], node)
        else:
            site = self.site("item", node)
            return _call("_rp_getitem", [self.expr(base), self.expr(key), site], node)
        return node

    def slice_load(self, node: ast.Subscript) -> None:
        """X[i:j]; bounds that could run hooks are evaluated before the announcement if possible."""
        site = self.site("whole", node)
        bounds = _bounds(node.slice)
        base = self.expr(node.value)
        if self.can_keep and not all(map(self.is_quiet, bounds)):
            kept: list[ast.expr] = []

            def keep(bound: ast.expr) -> ast.expr:
                if self.is_quiet(bound):
                    return self.expr(bound)
                temp = self.temporary()
                kept.append(_keep(temp, self.expr(bound)))
                return _at(_name(temp), bound)

            node.slice = _map_bounds(node.slice, keep)
            base = _first_of(base, *kept)
        else:
            node.slice = self.expr(node.slice)
        node.value = _call("_rp_whole", [base, site], node)

    def is_quiet(self, node: ast.expr) -> bool:
        """Whether evaluating the expression calls no hook: arithmetic on simple things."""
        match node:
            case ast.BinOp(left=left, right=right):
                return self.is_quiet(left) and self.is_quiet(right)
            case ast.UnaryOp(operand=operand):
                return not isinstance(node.op, ast.Not) and self.is_quiet(operand)
        return self.is_simple(node)

    def target(self, node: ast.expr, *, delete: bool = False, rmw: bool = False) -> ast.expr:
        """A target of an assignment, loop, with or del, which announces when it is evaluated."""
        suffix = "-del" if delete else ""
        match node:
            case ast.Attribute():
                node.value = self.attribute_hook(
                    "_rp_attr_at", node, "attr" + suffix, store=True, rmw=rmw
                )
            case ast.Subscript():
                self.item_target(node, suffix, rmw)
            case ast.Tuple() | ast.List():
                node.elts = [self.target(element, delete=delete) for element in node.elts]
            case ast.Starred():
                node.value = self.target(node.value)
        return node

    def item_target(self, node: ast.Subscript, suffix: str, rmw: bool) -> None:
        base, key = node.value, node.slice
        if _has_slice(key):
            site = self.site("whole" + suffix, node, store=True, rmw=rmw)
            node.value = _call("_rp_whole_at", [self.expr(base), site], node)
            node.slice = self.expr(key)
            return
        site = self.site("item" + suffix, node, store=True, rmw=rmw)
        if self.is_simple(key) or (
            not self.can_keep and isinstance(key, ast.Tuple) and all(map(self.is_simple, key.elts))
        ):
            node.value = _call("_rp_item_at", [self.expr(base), _copy(key), site], node)
        elif self.can_keep:
            base, temp = self.expr(base), self.temporary()
            node.value = _call("_rp_item_at", [base, _keep(temp, self.expr(key)), site], node)
            node.slice = _at(_name(temp), key)
        else:
            node.value = _call("_rp_whole_at", [self.expr(base), site], node)
            node.slice = self.expr(key)

    # ------------------------------------------------------------------ calls

    def expr_Call(self, node: ast.Call) -> ast.expr:
        func = node.func
        if isinstance(func, ast.Attribute):
            return self.method_call(node, func)
        if isinstance(func, ast.Name):
            name = self.scope.mangle(func.id)
            if self.scope.is_builtin(name):
                return self.builtin_call(node, name)
            found = self.scope.imported(name)
            if found is not None and found[1] is not None and not self.is_watched(found[0]):
                self.foreign_arguments(node, found[0], found[1])
                node.func = self.expr(func)
                return node
        node.func = self.expr(func)
        self.arguments(node)
        return node

    def arguments(self, node: ast.Call) -> None:
        node.args = self.exprs(node.args)
        self.keywords(node.keywords)

    def keywords(self, keywords: Sequence[ast.keyword]) -> None:
        for keyword in keywords:
            keyword.value = (
                self.expr(keyword.value) if keyword.arg is not None else self.spread(keyword.value)
            )

    def spread(self, node: ast.expr) -> ast.expr:
        """What is unpacked by `*` or `**`, or onto several targets: all of it is read now."""
        if isinstance(node, Obtaining) and not (
            isinstance(node, ast.Name) and self.is_own_spread(node.id)
        ):
            return self.read(node)
        return self.expr(node)

    def expr_Starred(self, node: ast.Starred) -> ast.expr:
        node.value = self.spread(node.value)
        return node

    def expr_Dict(self, node: ast.Dict) -> ast.expr:
        values = []
        for i, (key, value) in enumerate(zip(node.keys, node.values, strict=True)):
            if key is None:
                values.append(self.spread(value))
            else:
                node.keys[i] = self.expr(key)
                values.append(self.expr(value))
        node.values = values
        return node

    def builtin_call(self, node: ast.Call, name: str) -> ast.expr:
        """A call of a builtin by its name."""
        args = node.args
        first = 0
        hook, kind = "_rp_read", "read"
        match name, len(args):
            case "super", _:
                return node
            case "len", 1:
                hook, kind = "_rp_len", "len"
            case "bool", 1:
                hook, kind = "_rp_true", "truth"
            case "next", 1 | 2:
                args[0] = self.wrapped("_rp_next", "next", args[0])
                first = len(args)
            case "getattr" | "hasattr" | "delattr", 2 | 3 if self.is_simple(args[1]):
                store = name == "delattr"
                kind = "attr-del" if store else "attr"
                site = self.site(kind, node, _constant_text(args[1]), store=store)
                hook = "_rp_attr_dyn_at" if store else "_rp_attr_dyn"
                args[0] = _call(hook, [self.expr(args[0]), _copy(args[1]), site], args[0])
                args[2:] = self.exprs(args[2:])
                first = len(args)
            case "setattr", 3 if self.is_simple(args[1]):
                self.builtin_setattr(node)
                first = len(args)
            case _:
                if name in LAZY_READERS:
                    hook, kind, first = "_rp_iter", "iter", LAZY_READERS[name]
                elif name not in READERS:
                    first = len(args)
                    args[:] = self.exprs(args)
        for i, argument in enumerate(args):
            if i < first and name not in LAZY_READERS:
                continue
            if i < first or isinstance(argument, Fresh | ast.Starred) or self.is_plain(argument):
                args[i] = self.expr(argument)
            elif hook == "_rp_iter":
                args[i] = self.iterated(argument)
            else:
                args[i] = self.wrapped(hook, kind, argument)
        self.keywords(node.keywords)
        return node

    def builtin_setattr(self, node: ast.Call) -> None:
        base, name, value = node.args
        site = self.site("attr", node, _constant_text(name), store=True)
        if self.is_simple(base) and not self.is_pure(value):
            operands = [self.expr(value), _copy(base), _copy(name), site]
            node.args[2] = _call("_rp_attr_set", operands, value)
        else:
            node.args[0] = _call("_rp_attr_dyn_at", [self.expr(base), _copy(name), site], base)
            node.args[2] = self.expr(value)

    def foreign_arguments(self, node: ast.Call, module: str, name: str) -> None:
        """Arguments of a function that is not watched: it looks at them, as far as we know."""
        if (module, name) in MUTATORS and node.args and not isinstance(node.args[0], ast.Starred):
            self.mutator_arguments(node)
            return
        keeps = module in KEEPERS or module.partition(".")[0] in KEEPERS
        for i, argument in enumerate(node.args):
            looks = not keeps and self.looks(argument)
            node.args[i] = self.read(argument) if looks else self.expr(argument)
        self.keywords(node.keywords)

    def mutator_arguments(self, node: ast.Call) -> None:
        """`heappush(heap, item)`: announced when all arguments are there."""
        changed, *others = node.args
        pure = all(map(self.is_pure, others)) and all(map(self.is_pure_keyword, node.keywords))
        late = not pure and not isinstance(others[-1], ast.Starred) and not node.keywords
        if not late or not (self.is_simple(changed) or self.can_keep):
            node.args[0] = self.wrapped("_rp_mutate", "mutate", changed)
            node.args[1:] = self.exprs(others)
            self.keywords(node.keywords)
            return
        site = self.site("mutate", changed)
        first, again = self.twice(changed)
        *middle, last = self.exprs(others)
        hook = _call("_rp_mutate", [again, site], changed)
        node.args = [first, *middle, _first_of(last, hook)]

    def method_call(self, node: ast.Call, func: ast.Attribute) -> ast.expr:
        receiver = func.value
        module = self.module_path(receiver)
        if module is not None:
            if self.is_watched(module):
                self.arguments(node)
            else:
                self.foreign_arguments(node, module, func.attr)
            node.func = self.expr(func)
        elif (
            func.attr not in CONTAINER_METHODS
            or self.is_super(receiver)
            or isinstance(receiver, ast.Constant | ast.JoinedStr)
        ):
            node.func = self.expr(func)
            reads: tuple[type[ast.expr], ...] = ()
            if func.attr == "join" and len(node.args) == 1 and not node.keywords:
                reads = (ast.Name, ast.Attribute, ast.Subscript, ast.Call)
            elif func.attr == "format" and isinstance(receiver, ast.Constant):
                reads = (ast.Name, ast.Attribute, ast.Subscript)
            node.args = [
                self.read(a) if isinstance(a, reads) and not self.is_plain(a) else self.expr(a)
                for a in node.args
            ]
            self.keywords(node.keywords)
        else:
            self.container_call(node, func)
        return node

    def container_call(self, node: ast.Call, func: ast.Attribute) -> None:
        """X.m(...) where m is a method of a container: announced when all is evaluated."""
        name = self.scope.mangle(func.attr)
        site = self.site("method", node, name)
        values: list[ast.expr] = [*node.args, *(keyword.value for keyword in node.keywords)]
        pure = [*map(self.is_pure, node.args), *map(self.is_pure_keyword, node.keywords)]
        last = max((i for i, quiet in enumerate(pure) if not quiet), default=-1)
        positional = 0 <= last < len(node.args)
        leading: list[ast.expr] = []
        for argument in node.args[: last if positional else None]:
            if not self.is_simple(argument):
                break
            leading.append(_copy(argument))
        extra: dict[str, Any] = {}
        if last < 0:
            if len(leading) < len(values):
                extra["more"] = True
        elif (
            len(leading) == last == len(values) - 1
            and positional
            and not isinstance(values[last], ast.Starred)
        ):
            extra["at"] = last  # then `leading` and the announced value are all there is
        receiver = func.value
        head = [ast.Constant(name), site, *leading]
        if last < 0:
            func.value = _call("_rp_meth", [self.expr(receiver), *head], node, **extra)
            self.arguments(node)
            return
        again: ast.expr
        if self.is_simple(receiver) and not _rebinds(receiver, values):
            again = _copy(receiver)
        elif self.can_keep:
            temp = self.temporary()
            func.value = _keep(temp, self.expr(receiver))
            again = _name(temp)
        else:
            operands = [self.expr(receiver), ast.Constant(name), site]
            node.func = _call("_rp_callmeth", operands, func)
            self.arguments(node)
            return
        self.arguments(node)

        def announced(value: ast.expr) -> ast.expr:
            return _call("_rp_meth_arg", [value, again, *head], value, **extra)

        if not positional:
            keyword = node.keywords[last - len(node.args)]
            keyword.value = announced(keyword.value)
        elif isinstance(starred := node.args[last], ast.Starred):
            starred.value = announced(starred.value)
        else:
            node.args[last] = announced(node.args[last])

    # ------------------------------------------------------------------ tests and operators

    def truth(self, node: ast.expr) -> ast.expr:
        """An expression whose truth is all that is asked for."""
        match node:
            case ast.BoolOp():
                node.values = [self.truth(value) for value in node.values]
                return node
            case ast.IfExp():
                node.test = self.truth(node.test)
                node.body, node.orelse = self.truth(node.body), self.truth(node.orelse)
                return node
        if isinstance(node, Tested) and not self.is_plain(node):
            return self.wrapped("_rp_true", "truth", node)
        return self.expr(node)

    def expr_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        *tested, last = node.values
        node.values = [*map(self.truth, tested), self.expr(last)]
        return node

    def expr_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        operand = node.operand
        node.operand = self.truth(operand) if isinstance(node.op, ast.Not) else self.expr(operand)
        return node

    def expr_IfExp(self, node: ast.IfExp) -> ast.expr:
        node.test = self.truth(node.test)
        node.body, node.orelse = self.expr(node.body), self.expr(node.orelse)
        return node

    def expr_Compare(self, node: ast.Compare) -> ast.expr:
        operands = [node.left, *node.comparators]
        read: set[int] = set()
        kept: dict[int, str] = {}
        sought: dict[int, ast.expr | None] = {}  # container: what is looked for, None if unknown
        for i, op in enumerate(node.ops):
            left, right = operands[i], operands[i + 1]
            if isinstance(op, ast.In | ast.NotIn):
                if _is_constant(right):
                    continue
                if self.is_simple(left):
                    sought[i + 1] = _copy(left)
                elif self.can_keep:
                    kept[i] = self.temporary()
                    sought[i + 1] = _name(kept[i])
                else:
                    sought[i + 1] = None
            elif not isinstance(op, ast.Is | ast.IsNot) and not (
                _is_constant(left) or _is_constant(right)
            ):
                read.update(j for j in (i, i + 1) if self.looks(operands[j]))
        for i, operand in enumerate(operands):
            new: ast.expr
            if i in sought:
                what = sought[i]
                if what is None:
                    new = self.read(operand)
                else:
                    site = self.site("in", operand)
                    new = _call("_rp_in", [self.expr(operand), what, site], operand)
            elif i in read:
                new = self.read(operand)
            else:
                new = self.expr(operand)
            operands[i] = _keep(kept[i], new) if i in kept else new
        node.left, *node.comparators = operands
        return node

    def expr_BinOp(self, node: ast.BinOp) -> ast.expr:
        left, right = node.left, node.right
        if isinstance(node.op, ast.Mod) and _is_text(left):
            node.left = self.expr(left)
            if isinstance(right, ast.Tuple):
                right.elts = [self.read(e) if self.looks(e) else self.expr(e) for e in right.elts]
            else:
                node.right = self.read(right) if self.looks(right) else self.expr(right)
        elif isinstance(node.op, ast.Add | ast.BitOr):
            holder = Looking | ast.List | ast.Tuple | ast.Set | ast.Dict
            both = (
                isinstance(left, holder)
                and isinstance(right, holder)
                and not self.is_plain(left)
                and not self.is_plain(right)
            )
            node.left = self.read(left) if both and self.looks(left) else self.expr(left)
            node.right = self.read(right) if both and self.looks(right) else self.expr(right)
        else:
            node.left, node.right = self.expr(left), self.expr(right)
        return node

    def expr_FormattedValue(self, node: ast.FormattedValue) -> ast.expr:
        value = node.value
        node.value = self.read(value) if self.looks(value) else self.expr(value)
        if node.format_spec is not None:
            node.format_spec = self.expr(node.format_spec)
        return node

    # ------------------------------------------------------------------ iteration and scopes

    def iterated(self, node: ast.expr) -> ast.expr:
        """What a for loop or comprehension goes through."""
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in FRESH and self.scope.is_builtin(name):
                return self.expr(node)
        if _is_constant(node):
            return self.expr(node)
        return self.wrapped("_rp_iter", "iter", node)

    def comprehension(self, node: Comprehension) -> ast.expr:
        scope = self.scopes.of[node]
        # A generator may be consumed by several threads: they would share the temporary.
        allowed = scope.runner.kind != "module" and not isinstance(node, ast.GeneratorExp)
        temps = self.temps if allowed else _Temps(allowed=False)
        first = node.generators[0]
        targets = [ast.comprehension(g.target, g.iter, [], g.is_async) for g in node.generators]
        self.find_plain(scope, targets)
        self.iterable += 1
        first.iter = self.expr(first.iter) if first.is_async else self.iterated(first.iter)
        self.iterable -= 1
        with self.inside(scope, temps):
            for generator in node.generators:
                if generator is not first:
                    self.iterable += 1
                    generator.iter = (
                        self.expr(generator.iter)
                        if generator.is_async
                        else self.iterated(generator.iter)
                    )
                    self.iterable -= 1
                with self.without_temps():
                    generator.target = self.target(generator.target)
                generator.ifs = [self.truth(test) for test in generator.ifs]
            if isinstance(node, ast.DictComp):
                node.key = self.expr(node.key)
                if node.value is not None:
                    node.value = self.expr(node.value)
            else:
                node.elt = self.expr(node.elt)
        return node

    expr_ListComp = expr_SetComp = expr_DictComp = expr_GeneratorExp = comprehension  # noqa: N815

    def expr_Lambda(self, node: ast.Lambda) -> ast.expr:
        self.defaults(node.args)
        scope = self.scopes.of[node]
        self.find_plain(scope, [node.body])
        with self.inside(scope, _Temps(not scope.shows_locals), Dataflow(node.body)):
            node.body = self.expr(node.body)
        return node

    def defaults(self, arguments: ast.arguments) -> None:
        with self.without_temps():
            arguments.defaults = self.exprs(arguments.defaults)
            arguments.kw_defaults = [
                None if default is None else self.expr(default) for default in arguments.kw_defaults
            ]

    def function(self, node: Function) -> list[ast.stmt]:
        with self.without_temps():
            node.decorator_list = self.exprs(node.decorator_list)
        self.defaults(node.args)
        scope = self.scopes.of[node]
        self.find_plain(scope, node.body)
        with self.inside(scope, _Temps(not scope.shows_locals), Dataflow(node.body)):
            docstring = node.body[:1] if _is_docstring(node.body[0]) else []
            start: list[ast.stmt] = []
            if scope.hot:
                hot = tuple(sorted(scope.hot))
                declarations = ast.Global | ast.Nonlocal
                code = (s for s in node.body[len(docstring) :] if not isinstance(s, declarations))
                at = next(code, node.body[0])
                site = self.site("scope", _head(node), node.name, targets=hot)
                target = ast.Name(_scope_name(scope), ast.Store())
                start.append(_at(ast.Assign([target], _call("_rp_new_scope", [site], at)), at))
            node.body = [*docstring, *start, *self.block(node.body[len(docstring) :])]
        return [node, *self.mark(node.name, _head(node))]

    stmt_FunctionDef = stmt_AsyncFunctionDef = function  # noqa: N815

    def stmt_ClassDef(self, node: ast.ClassDef) -> list[ast.stmt]:
        scope = self.scopes.of[node]
        assert scope.parent is not None
        with self.without_temps():
            node.decorator_list = self.exprs(node.decorator_list)
            with self.inside(scope.parent, self.temps):
                node.bases = self.exprs(node.bases)
                self.keywords(node.keywords)
        with self.inside(scope, _Temps(allowed=False), Dataflow(node.body)):
            docstring = node.body[:1] if _is_docstring(node.body[0]) else []
            node.body = [*docstring, *self.block(node.body[len(docstring) :])]
        return [node, *self.mark(node.name, _head(node))]

    # ------------------------------------------------------------------ statements

    def stmt_Expr(self, node: ast.Expr) -> list[ast.stmt]:
        if not isinstance(node.value, ast.Constant):
            node.value = self.expr(node.value)
        return [node]

    def stmt_Assign(self, node: ast.Assign) -> list[ast.stmt]:
        if len(node.targets) == 1:
            node.value = self.single(node.targets[0], node.value)
            return [node]
        parts = [pair for target in node.targets for pair in pairs(target, node.value)]
        unpacks = any(isinstance(t, ast.Tuple | ast.List) for t in node.targets)
        node.value = self.several(node.targets, parts, node.value, unpacks=unpacks)
        return [node]

    def stmt_AnnAssign(self, node: ast.AnnAssign) -> list[ast.stmt]:
        if node.value is not None:
            node.value = self.single(node.target, node.value)
        return [node]

    def single(self, target: ast.expr, value: ast.expr) -> ast.expr:
        """The value of an assignment to one target; the target is rewritten in place."""
        match target:
            case ast.Name():
                return self.name_store(target, value)
            case ast.Attribute(value=base) if self.is_simple(base):
                name = self.scope.mangle(target.attr)
                rmw = self.flow.loads(value, target)
                site = self.site("attr", target, name, store=True, rmw=rmw)
                operands = [self.expr(value), _copy(base), ast.Constant(name), site]
                return _call("_rp_attr_set", operands, value)
            case ast.Subscript(value=base, slice=key) if self.is_simple(base) and self.is_simple(
                key
            ):
                rmw = self.flow.loads(value, target)
                site = self.site("item", target, store=True, rmw=rmw)
                operands = [self.expr(value), _copy(base), _copy(key), site]
                return _call("_rp_item_set", operands, value)
            case ast.Attribute() | ast.Subscript():
                rmw = self.flow.loads(value, target)
                if isinstance(target, ast.Subscript) and _has_slice(target.slice):
                    new = self.spread(value)
                else:
                    name = target.attr if isinstance(target, ast.Attribute) else ""
                    new = self.named(target, value, self.scope.mangle(name))
                self.target(target, rmw=rmw)
                return new
        return self.several([target], list(pairs(target, value)), value, unpacks=True)

    def name_store(self, target: ast.Name, value: ast.expr) -> ast.expr:
        name = self.scope.mangle(target.id)
        place = self.place(target.id)
        if place is not None:
            kind, scope = place
            rmw = self.flow.loads(value, target)
            site = self.name_site(kind, target, target.id, store=True, rmw=rmw)
            return _call(f"_rp_{kind}_set", [self.expr(value), *scope, site], value)
        if name.startswith("__") and name.endswith("__"):
            return value if name == "__slots__" else self.expr(value)
        owner = self.scope.owner(name)
        if owner is self.scope and (owner.kind == "module" or name in owner.captured):
            return self.named(target, value, name)
        return self.expr(value)

    def named(self, target: ast.expr, value: ast.expr, name: str) -> ast.expr:
        """The value, with a name for the report; numbers and the like need none."""
        if isinstance(value, Nameless):
            return self.expr(value)
        site = self.site("name", target, name)
        return _call("_rp_name", [self.expr(value), site], value)

    def several(
        self,
        targets: Sequence[ast.expr],
        parts: Sequence[tuple[ast.expr, ast.expr]],
        value: ast.expr,
        *,
        unpacks: bool,
    ) -> ast.expr:
        """The value of `a, b = value` or `a = b = value`; the targets are rewritten in place."""
        sites: list[ast.expr] = []
        scopes: list[ast.expr] = []
        modified = [(part, self.flow.loads(source, part)) for part, source in parts]
        for part, rmw in modified:
            place = self.place(part.id) if isinstance(part, ast.Name) else None
            if isinstance(part, ast.Name) and place is not None:
                kind, scope = place
                sites.append(self.name_site(kind, part, part.id, store=True, rmw=rmw))
                scopes.extend(scope or [ast.Constant(None)])
        named = next((part for part, _ in parts if self.wants_name(part)), None)
        if unpacks:
            new = self.spread(value)
        elif named is not None and not sites:
            name = named.id if isinstance(named, ast.Name) else ""
            new = self.named(named, value, self.scope.mangle(name))
        else:
            new = self.expr(value)
        if sites:
            where: ast.expr = ast.Constant(None)
            if not all(isinstance(scope, ast.Constant) for scope in scopes):
                where = ast.Tuple(scopes, ast.Load())
            new = _call("_rp_names_set", [new, ast.Tuple(sites, ast.Load()), where], new)
        for part, rmw in modified:
            self.target(part, rmw=rmw)
        return new

    def wants_name(self, target: ast.expr) -> bool:
        if not isinstance(target, ast.Name):
            return True
        name = self.scope.mangle(target.id)
        owner = self.scope.owner(name)
        return owner is self.scope and (owner.kind == "module" or name in owner.captured)

    def stmt_AugAssign(self, node: ast.AugAssign) -> list[ast.stmt]:
        match node.target:
            case ast.Name() as target:
                return self.name_augment(node, target)
            case ast.Attribute() as target:
                self.attribute_augment(node, target)
            case ast.Subscript() as target:
                self.item_augment(node, target)
        return [node]

    def name_augment(self, node: ast.AugAssign, target: ast.Name) -> list[ast.stmt]:
        place = self.place(target.id)
        value, mutates = node.value, self.may_mutate(target, node.op, node.value)
        if place is None:
            node.value = self.mutating(target, value) if mutates else self.expr(value)
            return [node]
        kind, scope = place
        load = self.name_site(kind, target, target.id)
        store = self.name_site(kind, target, target.id, store=True, rmw=True)
        value = self.mutating(target, value) if mutates else self.expr(value)
        node.value = _call(f"_rp_{kind}_set", [value, *scope, store], value)
        return [_statement(_call(f"_rp_{kind}", [*map(_copy, scope), load], target), node), node]

    def may_mutate(self, target: ast.Name, op: ast.operator, value: ast.expr) -> bool:
        """Whether `target += value` may change a container in place."""
        if not isinstance(op, ast.Add | ast.Sub | ast.Mult | ast.BitOr | ast.BitAnd | ast.BitXor):
            return False
        return not self.is_plain(ast.BinOp(_name(target.id), op, value))

    def mutating(self, target: ast.Name, value: ast.expr) -> ast.expr:
        """`(value, _rp_mutate(target, S))[0]`: announced when the value is there."""
        site = self.site("mutate", target, self.scope.mangle(target.id))
        hook = _call("_rp_mutate", [_name(target.id), site], target)
        return _first_of(self.expr(value), hook)

    def attribute_augment(self, node: ast.AugAssign, target: ast.Attribute) -> None:
        base = target.value
        name = self.scope.mangle(target.attr)
        if not self.is_simple(base) and not self.can_keep:
            self.target(target, rmw=True)
            node.value = self.expr(node.value)
            return
        load = self.site("attr", target, name)
        store = self.site("attr", target, name, store=True, rmw=True)
        first, again = self.twice(base)
        target.value = _call("_rp_attr", [first, ast.Constant(name), load], target)
        operands = [self.expr(node.value), again, ast.Constant(name), store]
        node.value = _call("_rp_attr_aug", operands, node.value)

    def item_augment(self, node: ast.AugAssign, target: ast.Subscript) -> None:
        base, key = target.value, target.slice
        simple = self.is_simple(base) and self.is_simple(key)
        if _has_slice(key) or not (simple or self.can_keep):
            self.target(target, rmw=True)
            node.value = self.expr(node.value)
            return
        load = self.site("item", target)
        store = self.site("item", target, store=True, rmw=True)
        first, again = self.twice(base)
        if self.is_simple(key):
            keys: list[ast.expr] = [_copy(key), _copy(key)]
        else:
            temp = self.temporary()
            keys = [_keep(temp, self.expr(key)), _name(temp)]
            target.slice = _at(_name(temp), key)
        target.value = _call("_rp_item", [first, keys[0], load], target)
        operands = [self.expr(node.value), again, keys[1], store]
        node.value = _call("_rp_item_aug", operands, node.value)

    def twice(self, node: ast.expr) -> tuple[ast.expr, ast.expr]:
        """The expression, and another mention of its value."""
        if self.is_simple(node):
            return node, _copy(node)
        temp = self.temporary()
        return _keep(temp, self.expr(node)), _name(temp)

    def stmt_Delete(self, node: ast.Delete) -> list[ast.stmt]:
        marks = self.marks(node.targets)
        node.targets = [self.target(target, delete=True) for target in node.targets]
        return [*marks, node]

    def stmt_For(self, node: ast.For) -> list[ast.stmt]:
        node.iter = self.iterated(node.iter)
        self.loop_body(node)
        return [node]

    def stmt_AsyncFor(self, node: ast.AsyncFor) -> list[ast.stmt]:
        node.iter = self.expr(node.iter)
        self.loop_body(node)
        return [node]

    def loop_body(self, node: ast.For | ast.AsyncFor) -> None:
        marks = self.marks([node.target])
        node.target = self.target(node.target)
        node.body = [*marks, *self.block(node.body)]
        node.orelse = self.block(node.orelse)

    def stmt_While(self, node: ast.While) -> list[ast.stmt]:
        if not (isinstance(node.test, ast.Constant) and not node.test.value):  # while False
            site = self.site("loop", node.test)
            hook = _call("_rp_loop", [site], node.test)
            node.test = _at(ast.BoolOp(ast.Or(), [hook, self.truth(node.test)]), node.test)
        node.body = self.block(node.body)
        node.orelse = self.block(node.orelse)
        return [node]

    def stmt_If(self, node: ast.If) -> list[ast.stmt]:
        node.test = self.truth(node.test)
        node.body = self.block(node.body)
        node.orelse = self.block(node.orelse)
        return [node]

    def stmt_Assert(self, node: ast.Assert) -> list[ast.stmt]:
        node.test = self.truth(node.test)
        if node.msg is not None:
            node.msg = self.expr(node.msg)
        return [node]

    def stmt_With(self, node: ast.With | ast.AsyncWith) -> list[ast.stmt]:
        marks = self.marks([item.optional_vars for item in node.items])
        for item in node.items:
            item.context_expr = self.expr(item.context_expr)
            if item.optional_vars is not None:
                item.optional_vars = self.target(item.optional_vars)
        node.body = [*marks, *self.block(node.body)]
        return [node]

    stmt_AsyncWith = stmt_With  # noqa: N815

    def stmt_Try(self, node: ast.Try) -> list[ast.stmt]:
        node.body = self.block(node.body)
        for handler in node.handlers:
            if handler.type is not None:
                handler.type = self.expr(handler.type)
            handler.body = [*self.mark(handler.name, handler), *self.block(handler.body)]
        node.orelse = self.block(node.orelse)
        node.finalbody = self.block(node.finalbody)
        return [node]

    stmt_TryStar = stmt_Try  # noqa: N815

    def stmt_Match(self, node: ast.Match) -> list[ast.stmt]:
        node.subject = self.expr(node.subject)
        for case in node.cases:
            if case.guard is not None:
                case.guard = self.truth(case.guard)
            marks: list[ast.stmt] = []
            for part in ast.walk(case.pattern):
                name = getattr(part, "rest" if isinstance(part, ast.MatchMapping) else "name", None)
                if isinstance(part, ast.MatchAs | ast.MatchStar | ast.MatchMapping):
                    marks.extend(self.mark(name, part))
            case.body = [*marks, *self.block(case.body)]
        return [node]

    def stmt_Import(self, node: ast.Import) -> list[ast.stmt]:
        names = [alias.asname or alias.name.partition(".")[0] for alias in node.names]
        return [node, *(mark for name in names for mark in self.mark(name, node))]

    def stmt_ImportFrom(self, node: ast.ImportFrom) -> list[ast.stmt]:
        if node.module == "__future__" and not node.level:
            return [node]
        names = [alias.asname or alias.name for alias in node.names]
        return [node, *(mark for name in names for mark in self.mark(name, node))]

    def unchanged(self, node: ast.stmt) -> list[ast.stmt]:
        return [node]

    stmt_Global = stmt_Nonlocal = stmt_Pass = stmt_TypeAlias = unchanged  # noqa: N815


# ---------------------------------------------------------------------- making nodes


def _at(node: Node, like: ast.AST) -> Node:
    return ast.copy_location(node, like)


def _name(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def _scope_name(owner: Scope) -> str:
    return f"_rp_scope_{owner.number}"


def _call(hook: str, operands: Sequence[ast.expr], like: ast.AST, **extra: Any) -> ast.Call:
    keywords = [ast.keyword(name, ast.Constant(value)) for name, value in extra.items()]
    return _at(ast.Call(_name(hook), list(operands), keywords), like)


def _statement(expression: ast.expr, like: ast.AST) -> ast.stmt:
    return _at(ast.Expr(expression), like)


def _first_of(value: ast.expr, *others: ast.expr) -> ast.expr:
    """`(value, others...)[0]`: evaluates all, is the first."""
    both = _at(ast.Tuple([value, *others], ast.Load()), value)
    return _at(ast.Subscript(both, ast.Constant(0), ast.Load()), value)


def _keep(temp: str, value: ast.expr) -> ast.expr:
    """`(temp := value)`."""
    return _at(ast.NamedExpr(ast.Name(temp, ast.Store()), value), value)


def _copy(node: ast.expr) -> ast.expr:
    """Another mention of a simple expression, or of a tuple of such."""
    match node:
        case ast.Name(id=name):
            return _at(_name(name), node)
        case ast.Constant(value=value):
            return _at(ast.Constant(value), node)
        case ast.UnaryOp(operand=operand):
            return _at(ast.UnaryOp(ast.USub(), _copy(operand)), node)
        case ast.Tuple(elts=elements):
            return _at(ast.Tuple([_copy(e) for e in elements], ast.Load()), node)
    raise TypeError(node)


# ---------------------------------------------------------------------- looking at nodes


def _one_line(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        line = node.id
    elif isinstance(node, ast.expr | ast.stmt):
        try:
            line = " ".join(ast.unparse(node).split())
        except RecursionError:
            line = "…"
    else:
        line = str(getattr(node, "name", None) or "")
    return line if len(line) <= TEXT_WIDTH else line[: TEXT_WIDTH - 1] + "…"


def _head(node: Function | ast.ClassDef) -> ast.AST:
    """The node's place and name, for a site, without its body."""
    return _at(ast.Name(node.name, ast.Store()), node)


def _is_docstring(node: ast.stmt) -> bool:
    match node:
        case ast.Expr(value=ast.Constant(value=str())):
            return True
    return False


def _is_constant(node: ast.expr) -> bool:
    """A constant, a negative number, or a display of such."""
    match node:
        case ast.Constant() | ast.UnaryOp(operand=ast.Constant()):
            return True
        case ast.Tuple(elts=elements) | ast.List(elts=elements) | ast.Set(elts=elements):
            return all(map(_is_constant, elements))
    return False


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)


def _constant_text(node: ast.expr) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else ""


def _has_slice(key: ast.expr) -> bool:
    return isinstance(key, ast.Slice) or (
        isinstance(key, ast.Tuple) and any(isinstance(e, ast.Slice) for e in key.elts)
    )


def _bounds(key: ast.expr) -> list[ast.expr]:
    parts = key.elts if isinstance(key, ast.Tuple) else [key]
    found: list[ast.expr] = []
    for part in parts:
        if isinstance(part, ast.Slice):
            found.extend(b for b in (part.lower, part.upper, part.step) if b is not None)
        else:
            found.append(part)
    return found


def _map_bounds(key: ast.expr, change: Callable[[ast.expr], ast.expr]) -> ast.expr:
    if isinstance(key, ast.Tuple):
        key.elts = [_map_bounds(element, change) for element in key.elts]
        return key
    if isinstance(key, ast.Slice):
        for bound in ("lower", "upper", "step"):
            value = getattr(key, bound)
            if value is not None:
                setattr(key, bound, change(value))
        return key
    return change(key)


def _rebinds(name: ast.expr, values: Sequence[ast.expr]) -> bool:
    """Whether a walrus among the values binds the name anew."""
    return isinstance(name, ast.Name) and any(
        isinstance(part, ast.NamedExpr) and part.target.id == name.id
        for value in values
        for part in ast.walk(value)
    )

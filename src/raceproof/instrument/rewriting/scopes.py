"""Who owns which name, and which names are hot: shared by threads *and* stored more than once.

One pass over a module builds the tree of its scopes; a second, over the tree, finds for each stored
or loaded name its owner.  A name that is bound once, before any thread can exist, needs no hook.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Literal, TypeAlias

from raceproof.instrument.rewriting.knowledge import IMPORTS_THAT_START_THREADS, STARTERS

Kind: TypeAlias = Literal["module", "class", "function", "lambda", "comprehension", "types"]
Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
Comprehension: TypeAlias = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp

SHOWING: Final = frozenset(
    [
        "f_locals",
        "getargvalues",
        "getclosurevars",
        "getgeneratorlocals",
        "getcoroutinelocals",
        "getasyncgenlocals",
    ]
)
"""Attributes and functions of `inspect` that give the variables of a frame that is under way."""
MANY = 2
"""What a binding inside a loop counts for."""


class Scope:
    """One block of the program with names of its own."""

    def __init__(self, kind: Kind, name: str, parent: Scope | None, private: str | None) -> None:
        self.kind = kind
        self.parent = parent
        self.private = private
        """Name of the innermost class around, for the mangling of `__names`."""
        self.module: Scope = self if parent is None else parent.module
        self.qualname = self._qualify(name)
        self.stores: dict[str, int] = {}
        """How often each name is bound here; alternatives (if/else) count once."""
        self.definitions: set[str] = set()
        """Names bound here by def, class or import."""
        self.augmented: set[str] = set()
        self.loads: set[str] = set()
        self.globals: set[str] = set()
        self.nonlocals: set[str] = set()
        self.parameters: set[str] = set()
        self.spread: set[str] = set()
        """The parameters `*args` and `**kwargs`: fresh objects, nobody else's."""
        self.imports: dict[str, tuple[str, str | None]] = {}
        """`import a.b as c` is c: ("a.b", None); `from a import b` is b: ("a", "b")."""
        self.dotted: set[str] = set()
        """Module only: the modules `a.b` that are imported as such somewhere in the file."""
        self.late: set[str] = set()
        """Module only: names bound after the preamble."""
        self.shows_locals = False
        """Calls locals(), eval() or the like, which would show what is added to it."""
        self.shows_closure = False
        """The same for this function or one inside it, which would show what it has from here."""
        self.captured: set[str] = set()
        """Names of this function that functions inside it use."""
        self.hot: set[str] = set()
        self.number = 0
        """Numbers, within the file, the functions that own hot variables."""
        self.children: list[Scope] = []
        if parent is not None:
            parent.children.append(self)

    def _qualify(self, name: str) -> str:
        above = self.parent
        while above is not None and above.kind in ("comprehension", "types"):
            above = above.parent
        if self.kind in ("comprehension", "types"):
            return above.qualname if above is not None else name
        if above is None or above.kind == "module":
            return name
        joint = "." if above.kind == "class" else ".<locals>."
        return above.qualname + joint + name

    @property
    def runner(self) -> Scope:
        """The function, lambda or module whose thread runs this block.

        A comprehension or class body runs where it stands.  (So does nearly every generator
        expression: they are consumed on the spot.)
        """
        scope = self
        while scope.kind not in ("module", "function", "lambda"):
            assert scope.parent is not None
            scope = scope.parent
        return scope

    def mangle(self, name: str) -> str:
        """The name as the compiler spells it inside a class."""
        if self.private is None or not name.startswith("__") or name.endswith("__") or "." in name:
            return name
        stripped = self.private.lstrip("_")
        return f"_{stripped}{name}" if stripped else name

    def owner(self, name: str) -> Scope:
        """The scope a (mangled) name used here belongs to; the module also stands for builtins."""
        scope: Scope | None = self
        while scope is not None and scope.kind != "module":
            if scope.kind != "class" or scope is self:
                if name in scope.globals:
                    break
                if name not in scope.nonlocals and (
                    name in scope.stores or name in scope.parameters
                ):
                    return scope
            scope = scope.parent
        return self.module

    def is_builtin(self, name: str) -> bool:
        """Whether a name used here can only be the builtin."""
        return self.owner(name) is self.module and name not in self.module.stores

    def imported(self, name: str) -> tuple[str, str | None] | None:
        """What the name is an import of, if it is one."""
        return self.owner(name).imports.get(name)

    def is_hot(self, name: str) -> bool:
        return name in self.owner(name).hot


class Scopes:
    """The scopes of a module, by the node that opens them."""

    def __init__(
        self, tree: ast.Module, module: str, is_package: bool, is_watched: Callable[[str], bool]
    ) -> None:
        builder = _Builder(module, is_package, is_watched)
        builder.module(tree)
        self.of = builder.of
        self.module = self.of[tree]
        _decide(self.module, list(self.of.values()))


def _decide(module: Scope, scopes: Sequence[Scope]) -> None:
    """Finds the owner of every use, then which names are hot."""
    used_in_functions: set[str] = set()
    bound_from_inside: dict[Scope, set[str]] = {}
    counts: dict[Scope, dict[str, int]] = {scope: dict(scope.stores) for scope in scopes}
    for scope in scopes:
        above: Scope | None = scope if scope.shows_locals else None
        while above is not None and not above.shows_closure:
            above.shows_closure = True
            above = above.parent
    for scope in scopes:
        runner = scope.runner
        for name in scope.loads | scope.stores.keys():
            owner = scope.owner(name)
            inside = owner.runner is not runner
            if owner is module and inside:
                used_in_functions.add(name)
            elif inside and owner.kind == "function":
                owner.captured.add(name)
            if owner is not scope and name in scope.stores:
                counts[owner][name] = counts[owner].get(name, 0) + scope.stores[name]
                if inside:
                    bound_from_inside.setdefault(owner, set()).add(name)
    for scope in scopes:
        # From here on every name a nested `global` binds is known to the module.
        if scope is module:
            for name in counts[module]:
                module.stores.setdefault(name, 0)
        elif scope.kind == "function" and not scope.shows_closure:
            scope.hot = {
                name
                for name in scope.captured
                if counts[scope].get(name, 0) + (name in scope.parameters) > 1
                or name in scope.augmented
                or name in bound_from_inside.get(scope, ())
            }
    stored_in_functions = bound_from_inside.get(module, set())
    module.hot = {
        name
        for name, count in counts[module].items()
        if not _is_dunder(name)
        and (
            name in stored_in_functions
            or (
                name in used_in_functions
                and (count != 1 or (name in module.late and name not in module.definitions))
            )
        )
    }
    number = 0
    for scope in scopes:
        if scope.kind == "function" and scope.hot:
            number += 1
            scope.number = number


def _is_dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


class _Builder:
    """Walks a module in the order of its text and notes down who does what to which name."""

    def __init__(self, module: str, is_package: bool, is_watched: Callable[[str], bool]) -> None:
        self.module_name = module
        self.package = module if is_package else module.rpartition(".")[0]
        self.is_watched = is_watched
        self.of: dict[ast.AST, Scope] = {}
        self.scope: Scope
        self.loops = 0
        self.preamble = True
        self.shows_frames = False
        """Something here looks at the variables of frames."""

    # Names

    def bind(self, name: str, *, definition: bool = False, scope: Scope | None = None) -> None:
        scope = self.scope if scope is None else scope
        name = self.scope.mangle(name)
        times = MANY if self.loops or scope is not self.scope else 1
        scope.stores[name] = scope.stores.get(name, 0) + times
        if definition:
            scope.definitions.add(name)
        if scope.kind == "module" and not self.preamble:
            scope.late.add(name)

    def bind_walrus(self, name: str) -> None:
        scope = self.scope
        while scope.kind == "comprehension":
            assert scope.parent is not None
            scope = scope.parent
        self.bind(name, scope=scope)

    @contextmanager
    def inside(self, node: ast.AST | None, scope: Scope) -> Iterator[None]:
        before = self.scope, self.loops
        self.scope, self.loops = scope, 0
        if node is not None:
            self.of[node] = scope
        yield
        self.scope, self.loops = before

    # Blocks

    def module(self, tree: ast.Module) -> None:
        self.scope = Scope("module", "<module>", None, None)
        self.of[tree] = self.scope
        self.run(tree.body)
        if self.shows_frames:
            for scope in self.of.values():
                scope.shows_locals = True

    def run(self, body: Sequence[ast.stmt]) -> None:
        """Statements one after the other; at module level, the preamble may end on the way."""
        for statement in body:
            if self.scope.kind != "module" or not self.preamble:
                self.visit(statement)
            elif isinstance(statement, ast.If) and _is_main_test(statement.test):
                self.visit(statement.test)
                self.run(statement.body)
                self.run(statement.orelse)
            else:
                self.preamble = self._starts_no_thread(statement)
                self.visit(statement)

    def alternatives(self, *bodies: Iterable[ast.AST]) -> None:
        """Blocks of which one is run: a name bound in each of them is bound once."""
        scope = self.scope
        before = scope.stores
        most: dict[str, int] = {}
        for body in bodies:
            scope.stores = {}
            for node in body:
                self.visit(node)
            for name, times in scope.stores.items():
                most[name] = max(most.get(name, 0), times)
        for name, times in most.items():
            before[name] = before.get(name, 0) + times
        scope.stores = before

    def _starts_no_thread(self, statement: ast.stmt) -> bool:
        """Whether a statement may stand in the preamble of a module."""
        match statement:
            case (
                ast.Import()
                | ast.ImportFrom()
                | ast.FunctionDef()
                | ast.AsyncFunctionDef()
                | ast.ClassDef()
                | ast.Pass()
                | ast.Expr(value=ast.Constant())
            ):
                return True
            case ast.Assign(targets=targets):
                return all(map(_is_names, targets)) and not _starts(statement)
            case ast.AnnAssign(target=ast.Name()):
                return not _starts(statement)
            case ast.Expr(value=ast.Call(func=function)):
                return self._is_harmless(function)
            case ast.If(body=body, orelse=orelse):
                return all(map(self._starts_no_thread, [*body, *orelse]))
            case ast.Try(body=body, handlers=handlers, orelse=orelse, finalbody=final):
                inside = [*body, *orelse, *final]
                inside.extend(s for handler in handlers for s in handler.body)
                return all(map(self._starts_no_thread, inside))
        return type(statement).__name__ == "TypeAlias"

    def _is_harmless(self, function: ast.expr) -> bool:
        """print() and functions of modules that neither start threads nor are watched."""
        if isinstance(function, ast.Name):
            return function.id == "print"
        path: list[str] = []
        while isinstance(function, ast.Attribute):
            path.append(function.attr)
            function = function.value
        if not isinstance(function, ast.Name):
            return False
        found = self.scope.imports.get(function.id)
        if found is None or found[1] is not None:
            return False
        module = ".".join([found[0], *reversed(path[1:])])
        return module.partition(".")[0] not in IMPORTS_THAT_START_THREADS and not self.is_watched(
            module
        )

    # Nodes

    def visit(self, node: ast.AST) -> None:
        handler = getattr(self, f"visit_{type(node).__name__}", None)
        if handler is not None:
            handler(node)
        else:
            for child in ast.iter_child_nodes(node):
                self.visit(child)

    def visit_all(self, nodes: Iterable[ast.AST | None]) -> None:
        for node in nodes:
            if node is not None:
                self.visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self.scope.loads.add(self.scope.mangle(node.id))
            if node.id in ("locals", "eval", "exec"):
                self.scope.runner.shows_locals = True
        else:
            self.bind(node.id)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.bind_walrus(node.target.id)
        self.visit(node.value)

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Name) and node.func.id in ("vars", "dir") and not node.args:
            self.scope.runner.shows_locals = True
        self.visit_all(ast.iter_child_nodes(node))

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if node.attr in SHOWING:
            self.shows_frames = True
        self.visit(node.value)

    def visit_keyword(self, node: ast.keyword) -> None:
        if node.arg == "capture_locals":
            self.shows_frames = True
        self.visit(node.value)

    def visit_Global(self, node: ast.Global) -> None:
        if self.scope.kind != "module":
            self.scope.globals.update(map(self.scope.mangle, node.names))

    def visit_Nonlocal(self, node: ast.Nonlocal) -> None:
        self.scope.nonlocals.update(map(self.scope.mangle, node.names))

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            name = self.scope.mangle(node.target.id)
            self.scope.augmented.add(name)
            self.scope.loads.add(name)
        self.visit_all(ast.iter_child_nodes(node))

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None or not isinstance(node.target, ast.Name):
            self.visit(node.target)
        else:
            name = self.scope.mangle(node.target.id)
            self.scope.stores.setdefault(name, 0)  # local, though nothing is stored
        if node.value is not None:
            self.visit(node.value)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            name = alias.asname or alias.name.partition(".")[0]
            self.bind(name, definition=True)
            self.scope.imports[name] = (alias.name if alias.asname else name, None)
            parts = alias.name.split(".")
            self.scope.module.dotted.update(".".join(parts[:n]) for n in range(2, len(parts) + 1))

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if node.module == "__future__" and not node.level:
            return
        source = node.module or ""
        if node.level:
            parts = self.package.split(".") if self.package else []
            parts = parts[: len(parts) - node.level + 1]
            source = ".".join([*parts, *([source] if source else [])])
        for alias in node.names:
            if alias.name != "*":
                name = alias.asname or alias.name
                self.bind(name, definition=True)
                if source:
                    self.scope.imports[name] = (source, alias.name)

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        self.visit(node.iter)
        self.loops += 1
        self.visit_all([node.target, *node.body])
        self.loops -= 1
        self.visit_all(node.orelse)

    visit_AsyncFor = visit_For  # noqa: N815

    def visit_While(self, node: ast.While) -> None:
        self.loops += 1
        self.visit_all([node.test, *node.body])
        self.loops -= 1
        self.visit_all(node.orelse)

    def visit_If(self, node: ast.If) -> None:
        self.visit(node.test)
        self.alternatives(node.body, node.orelse)

    def visit_Match(self, node: ast.Match) -> None:
        self.visit(node.subject)
        self.alternatives(*([case] for case in node.cases))

    def visit_Try(self, node: ast.Try) -> None:
        self.alternatives([*node.body, *node.orelse], *([handler] for handler in node.handlers))
        self.visit_all(node.finalbody)

    visit_TryStar = visit_Try  # noqa: N815

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name is not None:
            self.bind(node.name)
        self.visit_all([node.type, *node.body])

    def visit_MatchAs(self, node: ast.MatchAs) -> None:
        if node.name is not None:
            self.bind(node.name)
        self.visit_all([node.pattern])

    def visit_MatchStar(self, node: ast.MatchStar) -> None:
        if node.name is not None:
            self.bind(node.name)

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        if node.rest is not None:
            self.bind(node.rest)
        self.visit_all([*node.keys, *node.patterns])

    # Scopes

    def type_parameters(self, node: ast.AST, name: str) -> Scope:
        """The scope around a generic def or class; the present one for any other."""
        parameters = getattr(node, "type_params", None)
        if not parameters:
            return self.scope
        scope = Scope("types", name, self.scope, self.scope.private)
        self.of[parameters[0]] = scope
        for parameter in parameters:
            scope.parameters.add(scope.mangle(parameter.name))
        return scope

    def visit_TypeAlias(self, node: ast.AST) -> None:
        name = node.name  # type: ignore[attr-defined]
        self.bind(name.id)

    def function(self, node: Function) -> None:
        self.visit_all(node.decorator_list)
        self.defaults(node.args)
        self.bind(node.name, definition=True)
        outer = self.type_parameters(node, node.name)
        with self.inside(node, Scope("function", node.name, outer, self.scope.private)):
            self.parameters(node.args)
            self.visit_all(node.body)

    visit_FunctionDef = visit_AsyncFunctionDef = function  # noqa: N815

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self.defaults(node.args)
        with self.inside(node, Scope("lambda", "<lambda>", self.scope, self.scope.private)):
            self.parameters(node.args)
            self.visit(node.body)

    def defaults(self, arguments: ast.arguments) -> None:
        self.visit_all([*arguments.defaults, *arguments.kw_defaults])

    def parameters(self, arguments: ast.arguments) -> None:
        scope = self.scope
        for argument in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]:
            scope.parameters.add(scope.mangle(argument.arg))
        for spread in (arguments.vararg, arguments.kwarg):
            if spread is not None:
                scope.parameters.add(scope.mangle(spread.arg))
                scope.spread.add(scope.mangle(spread.arg))

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.visit_all(node.decorator_list)
        self.bind(node.name, definition=True)
        outer = self.type_parameters(node, node.name)
        with self.inside(None, outer):
            self.visit_all([*node.bases, *node.keywords])
        with self.inside(node, Scope("class", node.name, outer, node.name)):
            self.visit_all(node.body)

    def comprehension(self, node: Comprehension) -> None:
        first, *others = node.generators
        self.visit(first.iter)
        scope = Scope("comprehension", "", self.scope, self.scope.private)
        with self.inside(node, scope):
            self.visit_all([first.target, *first.ifs])
            for generator in others:
                self.visit_all([generator.iter, generator.target, *generator.ifs])
            if isinstance(node, ast.DictComp):
                self.visit_all([node.key, node.value])
            else:
                self.visit(node.elt)

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = comprehension  # noqa: N815


def _starts(node: ast.AST) -> bool:
    """Whether something in there is called that usually starts threads."""
    return any(
        isinstance(part, ast.Call)
        and isinstance(part.func, ast.Attribute)
        and part.func.attr in STARTERS
        for part in ast.walk(node)
    )


def _is_names(target: ast.expr) -> bool:
    if isinstance(target, ast.Tuple | ast.List):
        return all(_is_names(element) for element in target.elts)
    return isinstance(target, ast.Name)


def _is_main_test(test: ast.expr) -> bool:
    match test:
        case ast.Compare(
            left=ast.Name(id="__name__"), ops=[ast.Eq()], comparators=[ast.Constant("__main__")]
        ):
            return True
    return False

"""AST in, AST out: before each operation that another thread could notice stands a call of a hook.

A hook announces, with the operands at hand, what the very next native operation will do, and
returns an operand or None; the operation itself stays where it was, so that tracebacks, messages
and semantics are those of the plain program.
"""

from __future__ import annotations


class _Rewriter(Calls, Blocks, Assignments, Statements):
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

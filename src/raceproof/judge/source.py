"""What the source says about a call: what it stands in, and whether anybody uses its result.

Events tell what happened; that a wait stands in an `if` where a `while` belongs, only the text
tells.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from raceproof.judge.findings import Place

WAITS = frozenset({"wait", "wait_for", "acquire", "join"})
"""Methods that wait, and tell by their result whether that was of use."""


class Source:
    """The watched files, read on demand."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self._files = files
        self._trees: dict[str, _Tree | None] = {}

    def check_around(self, place: Place, method: str) -> str:
        """How the condition is checked that a call of `method` waits for.

        "while" if the innermost test around the call is a loop's, "if" if it is not, "" if there is
        none or the call is not found.
        """
        for tree, call in self._calls(place, {method}):
            for node in tree.ancestors(call):
                if isinstance(node, ast.While):
                    if not isinstance(node.test, ast.Constant):
                        return "while"
                elif isinstance(node, ast.If):
                    return "if"
                elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                    return ""
        return ""

    def check_line(self, place: Place, method: str) -> int:
        """The line of the `if` that stands around a call; 0 for none."""
        for tree, call in self._calls(place, {method}):
            for node in tree.ancestors(call):
                if isinstance(node, ast.If):
                    return node.lineno
        return 0

    def ignores_result(self, place: Place) -> bool:
        """Whether a wait at `place` is a statement by itself: nobody uses what it returns."""
        calls = [(tree, call) for tree, call in self._calls(place, WAITS)]
        return bool(calls) and all(isinstance(tree.parent(call), ast.Expr) for tree, call in calls)

    def _calls(self, place: Place, methods: frozenset[str] | set[str]) -> Iterator[_Found]:
        tree = self._tree(place.file)
        if tree is None:
            return
        for node in tree.at(place.line):
            match node:
                case ast.Call(func=ast.Attribute(attr=name)) if name in methods:
                    yield tree, node

    def _tree(self, file: str) -> _Tree | None:
        if file not in self._trees:
            text = self._files.get(file)
            self._trees[file] = None if text is None else _Tree(ast.parse(text))
        return self._trees[file]


class _Tree:
    """A syntax tree that knows who is whose parent."""

    def __init__(self, root: ast.Module) -> None:
        self._parents: dict[ast.AST, ast.AST] = {}
        self._by_line: dict[int, list[ast.AST]] = {}
        for node in ast.walk(root):
            for child in ast.iter_child_nodes(node):
                self._parents[child] = node
            if isinstance(node, ast.Call):
                for line in range(node.lineno, (node.end_lineno or node.lineno) + 1):
                    self._by_line.setdefault(line, []).append(node)

    def at(self, line: int) -> list[ast.AST]:
        """The calls that a line is part of."""
        return self._by_line.get(line, [])

    def parent(self, node: ast.AST) -> ast.AST | None:
        """The node that a node is a part of."""
        return self._parents.get(node)

    def ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        """The nodes around a node, from the inside outwards."""
        at = self._parents.get(node)
        while at is not None:
            yield at
            at = self._parents.get(at)


_Found = tuple[_Tree, ast.Call]

"""Between which accesses an interpreter with a GIL can take the processor away.

Such an interpreter looks whether another thread wants to run only at function entries, backward
jumps and after calls.  Two accesses with none of these in between are one step there.  Which ones
those are is read off the bytecode that the running version makes of the source as it was written.
"""

from __future__ import annotations

import dis
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from raceproof.events import Site

Range = tuple[int, int, int, int]
"""First line, first column, last line, last column."""

CALLS: Final = ("CALL", "CALL_KW", "CALL_FUNCTION_EX")
"""Instructions that look once the call is over, and at the entry of what they call if that is
written in Python."""
UNCHECKED_CALLS: Final = {"len": 1, "isinstance": 2, "type": 1}
"""Functions, with the number of their arguments, whose specialised calls do not look."""
BACKWARD: Final = ("JUMP_BACKWARD", "POP_JUMP_BACKWARD")
"""Beginnings of the names of jumps that look when they are taken."""
QUIET: Final = "NO_INTERRUPT"
"""In the name of a backward jump that does not."""
LAST: Final = ("RETURN_VALUE", "RETURN_CONST", "RAISE_VARARGS", "RERAISE")
"""Instructions that the next one does not follow."""
AFTER_YIELD_FROM: Final = 2
"""What a RESUME has that many of, or more, in its two lowest bits does not look."""

NO_EVENTS: Final = ("loop", "scope", "name", "ident")
"""Kinds of sites that announce no operation."""

OPCODES: Final[dict[str, tuple[str, ...]]] = {
    "attr": ("LOAD_ATTR", "LOAD_METHOD", "STORE_ATTR", "DELETE_ATTR"),
    "item": ("BINARY_SUBSCR", "STORE_SUBSCR", "DELETE_SUBSCR", "BINARY_OP", "BINARY_SLICE"),
    "global": ("LOAD_GLOBAL", "STORE_GLOBAL", "LOAD_NAME", "STORE_NAME", "DELETE_GLOBAL"),
    "cell": ("LOAD_DEREF", "STORE_DEREF", "DELETE_DEREF", "LOAD_FROM_DICT_OR_DEREF"),
    "method": CALLS,
    "in": ("CONTAINS_OP",),
    "iter": ("GET_ITER", "FOR_ITER"),
}
"""The instructions that perform an access, by the kind of its site."""


@dataclass(frozen=True, slots=True)
class _Edge:
    """A way by which control may come to an instruction."""

    origin: int
    checked: bool
    """The interpreter looks on this way."""


@dataclass(slots=True)
class _Instruction:
    """A node of the control flow graph, with what matters about it."""

    sites: list[int] = field(default_factory=list)
    checks_before: bool = False
    checks_after: bool = False
    before: list[_Edge] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Place:
    """An instruction that performs the access of some site."""

    instructions: list[_Instruction]
    position: int
    order: int
    """Among the sites of that instruction."""


class SwitchPoints:
    """Tells of two accesses that a thread performs one after the other whether they are one step.

    What is not known for sure is no step: Python code that is run by an operator or an attribute,
    which no bytecode shows, is for the caller to notice.  The graph of a module is made when it is
    first asked about.
    """

    def __init__(self, sites: Sequence[Site], sources: Mapping[str, str]) -> None:
        """`sites` are numbered from 0; `sources` has the text of each file that is watched."""
        self._sites = sites
        self._sources = sources
        self._graphs: dict[tuple[str, str], dict[int, list[_Place]]] = {}
        self._answers: dict[tuple[int, int], bool] = {}

    def is_one_step(self, before: int, after: int) -> bool:
        """Whether nobody can come between an access at site `before` and the next at `after`."""
        key = (before, after)
        known = self._answers.get(key)
        if known is None:
            known = self._answers[key] = self._find_out(before, after)
        return known

    def _find_out(self, before: int, after: int) -> bool:
        one, other = self._sites[before], self._sites[after]
        if (one.file, one.module, one.function) != (other.file, other.module, other.function):
            return False
        places = self._places(other).get(after, ())
        return bool(places) and all(_is_straight(before, place) for place in places)

    def _places(self, site: Site) -> dict[int, list[_Place]]:
        key = (site.file, site.module)
        found = self._graphs.get(key)
        if found is None:
            own = [
                (number, other)
                for number, other in enumerate(self._sites)
                if (other.file, other.module) == key and other.kind not in NO_EVENTS
            ]
            found = self._graphs[key] = _places_of(self._sources.get(site.file, ""), own)
        return found


def _places_of(source: str, sites: list[tuple[int, Site]]) -> dict[int, list[_Place]]:
    by_range: dict[Range, list[tuple[int, Site]]] = {}
    for number, site in sites:
        where = (site.line, site.column, site.end_line, site.end_column)
        by_range.setdefault(where, []).append((number, site))
    found: dict[int, list[_Place]] = {}
    for code in _codes(compile(source, "<watched>", "exec", dont_inherit=True)):
        instructions = _graph(code, by_range)
        for position, instruction in enumerate(instructions):
            for order, number in enumerate(instruction.sites):
                found.setdefault(number, []).append(_Place(instructions, position, order))
    return found


def _is_straight(before: int, place: _Place) -> bool:
    """Whether every way from the site `before` to a place does without a look.

    Ways that pass the site again do not count: it would be an event each time.
    """
    nodes, here = place.instructions, place.instructions[place.position]
    if before in here.sites[: place.order]:
        return True
    clean = False
    seen: set[tuple[int, bool]] = set()
    waiting = [(edge.origin, edge.checked or here.checks_before) for edge in here.before]
    while waiting:
        at, checked = step = waiting.pop()
        if step in seen:
            continue
        seen.add(step)
        node = nodes[at]
        checked = checked or node.checks_after
        if before in node.sites:
            if checked:
                return False
            clean = True
            continue
        checked = checked or node.checks_before
        waiting.extend((edge.origin, checked or edge.checked) for edge in node.before)
    return clean


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


def _graph(
    code: types.CodeType, by_range: dict[Range, list[tuple[int, Site]]]
) -> list[_Instruction]:
    decoded = list(dis.get_instructions(code))
    position_of = {instruction.offset: index for index, instruction in enumerate(decoded)}
    nodes = [_Instruction() for _ in decoded]
    _place_sites(decoded, nodes, by_range)
    for index, (instruction, node) in enumerate(zip(decoded, nodes, strict=True)):
        name = instruction.opname
        if name == "RESUME":
            node.checks_before = (instruction.arg or 0) & 3 < AFTER_YIELD_FROM
        elif name in CALLS:
            node.checks_after = not _is_unchecked(decoded, index)
        goes_on = name not in LAST and not (name.startswith("JUMP") and "IF" not in name)
        if goes_on and index + 1 < len(nodes):
            nodes[index + 1].before.append(_Edge(index, False))
        if instruction.opcode in dis.hasjrel or instruction.opcode in dis.hasjabs:
            target = position_of.get(instruction.argval)
            if target is not None:
                looks = name.startswith(BACKWARD) and QUIET not in name
                nodes[target].before.append(_Edge(index, looks))
    for entry in getattr(dis.Bytecode(code), "exception_entries", ()):
        handler = position_of.get(entry.target)
        if handler is not None:
            for offset, index in position_of.items():
                if entry.start <= offset < entry.end:
                    nodes[handler].before.append(_Edge(index, False))
    return nodes


def _is_unchecked(decoded: list[dis.Instruction], index: int) -> bool:
    """Whether a call is one of those that are specialised to do without looking."""
    call = decoded[index]
    if call.opname != "CALL" or call.positions is None:
        return False
    start = (call.positions.lineno, call.positions.col_offset)
    for earlier in reversed(decoded[:index]):
        where = earlier.positions
        if where is None or (where.lineno, where.col_offset) != start:
            continue
        if earlier.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            return UNCHECKED_CALLS.get(earlier.argval) == call.arg
        if earlier.opname not in ("PUSH_NULL", "PRECALL", "KW_NAMES"):
            return False
    return False


def _place_sites(
    decoded: list[dis.Instruction],
    nodes: list[_Instruction],
    by_range: dict[Range, list[tuple[int, Site]]],
) -> None:
    """Find the instructions that perform the access of each site."""
    at: dict[Range, list[int]] = {}
    for index, instruction in enumerate(decoded):
        where = instruction.positions
        if (
            where is None
            or where.lineno is None
            or where.col_offset is None
            or where.end_lineno is None
            or where.end_col_offset is None
        ):
            continue
        key = (where.lineno, where.col_offset, where.end_lineno, where.end_col_offset)
        if key in by_range:
            at.setdefault(key, []).append(index)
    for key, indices in at.items():
        for number, site in by_range[key]:
            kind = site.kind.removesuffix("-del")
            fitting = [
                index
                for index in indices
                if decoded[index].opname in OPCODES.get(kind, ())
                and decoded[index].opname.startswith(("STORE", "DELETE")) == site.store
            ]
            # What several instructions do together is done by any of them.
            for index in fitting or indices:
                nodes[index].sites.append(number)

"""Small programs with loops that wait, as Python source and as a graph of all their states.

The graph shares no code with raceproof: it is searched in full, so that rounds which lead back to
the same state cost nothing, and says what a program can come to.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

Statement = tuple[Any, ...]
Program = tuple[tuple[Statement, ...], ...]
Instruction = tuple[Any, ...]
Ending = tuple[str, tuple[str, ...]]
"""How a program ends ("finished", "stuck"), and the lines that it prints, sorted."""

VARIABLES = ("x", "y")
HEAD = """\
import queue, threading, time
x = y = 0
lock = threading.Lock()
event = threading.Event()
items = queue.Queue()
"""


def generate(chance: random.Random) -> Program:
    """Two or three threads of a few statements."""
    threads = chance.choice((2, 2, 2, 3))
    size = 4 if threads == 2 else 3
    return tuple(
        tuple(statement(chance) for _ in range(chance.randint(1, size))) for _ in range(threads)
    )


def statement(chance: random.Random) -> Statement:
    var, other = chance.choice(VARIABLES), chance.choice(VARIABLES)
    value, another = chance.choice((1, 1, 1, 1, 1, 1, 0, 2)), chance.choice((1, 1, 1, 0))
    kinds = ["set"] * 12 + ["log"] * 4 + ["put", "set event", "await"] * 2 + list(MAKERS)
    kind = chance.choice(kinds)
    inner = (("set", var, value),) if chance.random() < 0.6 else (("log", var),)
    return (kind, var, value, other, another, inner, chance.choice(("pass", "time.sleep(0.01)")))


# -- as Python -----------------------------------------------------------------------------------

MAKERS = {
    "both": "while not ({var} == {value} and {other} == {another}):\n    {pause}",
    "either": "while not ({var} == {value} or {other} == {another}):\n    {pause}",
    "counted": "tries = 0\nwhile {var} != {value}:\n    tries += 1\n    {pause}",
    "break": "while True:\n    if {var} == {value}:\n        break\n    {pause}",
    "locked": "while True:\n    with lock:\n        if {var} == {value}:\n            break\n"
    "    {pause}",
    "nested": "while True:\n    while {var} != {value}:\n        {pause}\n"
    "    if {other} == {another}:\n        break",
    "tried": "while not lock.acquire(blocking=False):\n    {pause}\n{inner}\nlock.release()",
    "with": "with lock:\n    {inner}",
    "is set": "while not event.is_set():\n    {pause}",
    "set event": "event.set()",
    "put": "items.put({value})",
    "get": "while True:\n    try:\n        item = items.get_nowait()\n        break\n"
    "    except queue.Empty:\n        {pause}\nprint({name!r}, item)",
    "few": "for _ in range(2):\n    if {var} == {value}:\n        print({name!r}, 'seen')\n"
    "        break\nelse:\n    print({name!r}, 'missed')",
}
SOURCES = {
    "set": "{var} = {value}",
    "log": "print({name!r}, {var})",
    "await": "while {var} != {value}:\n    {pause}",
    **MAKERS,
}


def source_of(program: Program) -> str:
    """The program as a script."""
    lines = [HEAD]
    for number, statements in enumerate(program):
        lines.append(f"def t{number}():\n    global x, y")
        for position, one in enumerate(statements):
            text = as_python(one, f"t{number}.{position}")
            lines.extend("    " + line for line in text.splitlines())
    bodies = ", ".join(f"t{number}" for number in range(len(program)))
    lines.append(f"threads = [threading.Thread(target=body) for body in ({bodies},)]")
    lines.append("for thread in threads: thread.start()")
    lines.append("for thread in threads: thread.join()")
    return "\n".join(lines) + "\n"


def as_python(one: Statement, name: str) -> str:
    kind, var, value, other, another, inner, pause = one
    (what, which, *rest) = inner[0]
    inside = f"{which} = {rest[0]}" if what == "set" else f"print({name!r}, {which})"
    return SOURCES[kind].format(
        var=var, value=value, other=other, another=another, inner=inside, pause=pause, name=name
    )


# -- as a graph ----------------------------------------------------------------------------------


def compiled(statements: tuple[Statement, ...], thread: int) -> list[Instruction]:
    """Instructions that look at or change one shared thing each, but for jumps."""
    code: list[Instruction] = []
    for position, one in enumerate(statements):
        kind, var, value, other, another, inner, _ = one
        name = f"t{thread}.{position}"
        (what, which, *rest) = inner[0]
        inside = ("write", which, rest[0]) if what == "set" else ("print", name, which)
        start = len(code)
        match kind:
            case "set":
                code.append(("write", var, value))
            case "log":
                code.append(("print", name, var))
            case "await" | "counted" | "break":
                code.append(("unless", var, value, start))
            case "both":
                code.append(("unless", var, value, start))
                code.append(("unless", other, another, start))
            case "either":
                code.append(("if", var, value, start + 2))
                code.append(("unless", other, another, start))
            case "locked":
                code.append(("acquire",))
                code.append(("if", var, value, start + 4))
                code.append(("release",))
                code.append(("jump", start))
                code.append(("release",))
            case "nested":
                code.append(("unless", var, value, start))
                code.append(("unless", other, another, start))
            case "tried":
                code.extend([("try", start), inside, ("release",)])
            case "with":
                code.extend([("acquire",), inside, ("release",)])
            case "is set":
                code.append(("unless event", start))
            case "set event":
                code.append(("set event",))
            case "put":
                code.append(("put", value))
            case "get":
                code.append(("get", start, name))
            case "few":
                for _ in range(2):
                    code.append(("if", var, value, start + 4))
                code.append(("say", name, "missed"))
                code.append(("jump", start + 5))
                code.append(("say", name, "seen"))
    return code


State = tuple[Any, ...]


def endings(program: Program, most: int) -> set[Ending] | None:
    """All that the program can come to; None if it has more than `most` states."""
    codes = [compiled(statements, number) for number, statements in enumerate(program)]
    start: State = ((0,) * len(codes), (0, 0), None, False, (), ())
    after: dict[State, list[State]] = {}
    waiting = [start]
    while waiting:
        state = waiting.pop()
        if state in after:
            continue
        if len(after) >= most:
            return None
        after[state] = [moved for n in range(len(codes)) for moved in step(state, n, codes[n])]
        waiting.extend(after[state])
    found: set[Ending] = set()
    before: dict[State, list[State]] = {state: [] for state in after}
    for state, following in after.items():
        for moved in following:
            before[moved].append(state)
    can_finish = set()
    for state in after:
        if all(pc == len(code) for pc, code in zip(state[0], codes, strict=True)):
            found.add(("finished", state[5]))
            waiting.append(state)
    while waiting:
        state = waiting.pop()
        if state not in can_finish:
            can_finish.add(state)
            waiting.extend(before[state])
    # A state is stuck if nothing reachable from it prints anything more, nor finishes: then it goes
    # round for ever, or not at all.  What is printed only grows, so look at the last of these.
    for state in after.keys() - can_finish:
        if all(moved[5] == state[5] for moved in reachable(state, after)):
            found.add(("stuck", state[5]))
    return found


def reachable(state: State, after: dict[State, list[State]]) -> Iterator[State]:
    seen = set()
    waiting = [state]
    while waiting:
        one = waiting.pop()
        if one not in seen:
            seen.add(one)
            yield one
            waiting.extend(after[one])


def step(state: State, thread: int, code: list[Instruction]) -> list[State]:
    """The state after the next instruction of a thread; nothing if it cannot take place."""
    counters, values, holder, is_set, items, printed = state
    pc = counters[thread]
    if pc == len(code):
        return []
    values_of = dict(zip(VARIABLES, values, strict=True))
    match code[pc]:
        case ("write", var, value):
            values_of[var] = value
        case ("print", name, var):
            printed = (*printed, f"{name} {values_of[var]}")
        case ("say", name, text):
            printed = (*printed, f"{name} {text}")
        case ("unless", var, value, target):
            pc = pc if values_of[var] == value else target - 1
        case ("if", var, value, target):
            pc = target - 1 if values_of[var] == value else pc
        case ("acquire",):
            if holder is not None:
                return []
            holder = thread
        case ("try", target):
            pc, holder = (pc, thread) if holder is None else (target - 1, holder)
        case ("release",):
            holder = None
        case ("unless event", target):
            pc = pc if is_set else target - 1
        case ("set event",):
            is_set = True
        case ("put", value):
            items = (*items, value)
        case ("get", target, name):
            if items:
                printed = (*printed, f"{name} {items[0]}")
                items = items[1:]
            else:
                pc = target - 1
        case ("jump", target):
            pc = target - 1
    moved = (*counters[:thread], pc + 1, *counters[thread + 1 :])
    return [(moved, tuple(values_of.values()), holder, is_set, items, tuple(sorted(printed)))]

"""Runs generated programs plain and rewritten, as many as are asked for, and shows any difference,
with the program cut down to the lines that make it.

The tests run the first few hundred; this is for the other hundred thousand.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

from instrument.generated import comparison  # noqa: E402
from instrument.generated.author import compiles, program  # noqa: E402

SECONDS = 3.0
"""Processor time for one run of one program; some of them would take for ever."""
MEMORY = 4 << 30
WAYS = ("rewritten", "executed", "rewritten_followed")

Way = Callable[[str], comparison.Seen]


class TooLong(BaseException):
    """The program was stopped."""


class Clock:
    """Stops a program that takes too long, and again if it catches that."""

    def __init__(self) -> None:
        self.stopped = False
        self._running = False
        signal.signal(signal.SIGVTALRM, self._stop)

    def _stop(self, *_: object) -> None:
        if self._running:
            self.stopped = True
            signal.setitimer(signal.ITIMER_VIRTUAL, 0.2)
            raise TooLong

    def run(self, way: Way, source: str) -> comparison.Seen | None:
        """What is seen of the program that way; None if it was stopped."""
        comparison.give_source(source)
        self.stopped, self._running = False, True
        signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
        seen = None
        try:
            try:
                seen = way(source)
            finally:
                self._running = False
        except (TooLong, MemoryError):
            pass
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        return None if self.stopped else seen


class Judge:
    """Tells whether a program does the same in one of the ways."""

    def __init__(self) -> None:
        self._clock = Clock()

    def plain(self, source: str, way: str) -> comparison.Seen | None:
        """The program as it is, if it ends and its text does not depend on addresses."""
        run = comparison.plain_followed if way.endswith("followed") else comparison.plain
        seen = self._clock.run(run, source)
        return seen if seen is not None and seen.is_telling else None

    def changed(self, source: str, way: str) -> comparison.Seen | None:
        """The program that way, if that ends."""
        seen = self._clock.run(getattr(comparison, way), source)
        return seen if seen is not None and seen.is_telling else None

    def differs(self, source: str, way: str) -> bool:
        """Whether rewriting makes a difference, and chance does not."""
        plain, changed = self.plain(source, way), self.changed(source, way)
        if plain is None or changed is None or plain == changed or plain.fails_otherwise(changed):
            return False
        # Where objects lie decides about the order of a set, for one; let them lie elsewhere.
        ballast = []
        for number in range(3):
            ballast.append([bytearray(size + number) for size in range(0, 4000, 7)])
            if self.plain(source, way) != plain or self.changed(source, way) == plain:
                return False
        return True

    def difference(self, source: str, way: str) -> Iterator[str]:
        """What is different, as lines to show."""
        plain, changed = self.plain(source, way), self.changed(source, way)
        if plain is not None and changed is not None:
            yield from difflib.unified_diff(
                _lines(plain), _lines(changed), "plain", way, n=1, lineterm=""
            )

    def reduced(self, source: str, way: str) -> str:
        """The program without the lines that do not matter for the difference."""
        lines = source.splitlines()
        step = len(lines) // 2
        while step:
            position, before = 0, len(lines)
            while position < len(lines):
                shorter = lines[:position] + lines[position + step :]
                text = "\n".join(shorter) + "\n"
                if compiles(text) and self.differs_quietly(text, way):
                    lines = shorter
                else:
                    position += step
            if step > 1 or len(lines) == before:
                step //= 2
        return "\n".join(lines) + "\n"

    def differs_quietly(self, source: str, way: str) -> bool:
        """As `differs`, for programs that may fail outside of any `try`."""
        with contextlib.suppress(Exception):
            return self.differs(source, way)
        return False


def _lines(seen: comparison.Seen) -> list[str]:
    return [*seen.output.splitlines(), *seen.left, *seen.lines]


def main() -> int:
    """Carry out the command line; the status is 1 if there are differences."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="how many programs")
    parser.add_argument("--first", type=int, default=0, help="number of the first program")
    parser.add_argument("--ways", default=",".join(WAYS), help="which ways, separated by commas")
    parser.add_argument("--shown", type=int, default=10, help="differences to show")
    given = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    ways = given.ways.split(",")
    judge = Judge()
    start = perf_counter()
    different = untold = 0
    for seed in range(given.first, given.first + given.count):
        source = program(seed)
        if judge.plain(source, "") is None:
            untold += 1
            continue
        for way in ways:
            if not judge.differs(source, way):
                continue
            different += 1
            if different <= given.shown:
                small = judge.reduced(source, way)
                print(f"=== program {seed}, {way}\n{small}")
                print("\n".join(judge.difference(small, way)), flush=True)
            break
    seconds = perf_counter() - start
    print(
        f"Python {sys.version.split()[0]}: {given.count} programs in {seconds:.0f} s, "
        f"{different} different, {untold} without end"
    )
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())

"""What an interleaving costs on threads of the operating system, and what on greenlets.

Usage: python benchmarks/carriers.py [--quick]
"""

from __future__ import annotations

import argparse
import sys

from processes import machine_description, middle, this_interpreter
from speed import CASES, Tool, each
from tables import microseconds, milliseconds, ratio, table


def main() -> int:
    """Measure and print; the exit status is 1 if the two do not find the same."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--repetitions", type=int, default=5, help="per round")
    parser.add_argument("--max-seconds", type=float, default=20.0, help="for one search")
    parser.add_argument("--quick", action="store_true", help="one round, without the long programs")
    options = parser.parse_args()

    cases = [case for case in CASES if case.quick or not options.quick]
    tools = [
        Tool(carrier, [this_interpreter()], "measure_raceproof.py", (carrier,))
        for carrier in ("greenlet", "os")
    ]
    for case in cases:
        for _ in range(1 if options.quick else options.rounds):
            for tool in tools:
                tool.run(case, options.repetitions, options.max_seconds)

    rows = []
    same = True
    for case in cases:
        greenlets, threads = (tool.result(case) for tool in tools)
        if greenlets is None or threads is None:
            rows.append([case.label, *[tool.gap(case) for tool in tools], *["-"] * 5])
            continue
        equal = (greenlets.executions, greenlets.note) == (threads.executions, threads.note)
        # One that was cut off by time got as far as it got.
        same = same and (equal or not (greenlets.complete and threads.complete))
        rows.append(
            [
                case.label,
                f"{greenlets.executions:,}" if equal else "DIFFERENT",
                microseconds(each(greenlets)),
                microseconds(each(threads)),
                ratio(each(threads), each(greenlets)),
                ratio(middle(threads.marginal_processor), middle(greenlets.marginal_processor)),
                milliseconds(middle(greenlets.seconds)),
                milliseconds(middle(threads.seconds)),
            ]
        )
    print(f"{machine_description()}; medians\n")
    print(
        table(
            "One further interleaving, and the whole search",
            [
                "program", "interleavings", "greenlet", "os", "os/greenlet", "(processor)",
                "search, greenlet", "search, os",
            ],
            rows,
        )
    )  # fmt: skip
    for tool in tools:
        for label, problem in tool.problems.items():
            print(f"{tool.name}, {label}: {problem}")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())

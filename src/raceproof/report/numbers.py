"""Numbers as people read them: thousands separated, estimates rounded, and nothing overstated.

The sentence about how far a search got is the same in the report and in the progress line.
"""

from __future__ import annotations

import math


def counted(number: int, noun: str) -> str:
    """`1 finding`, `2,000 findings`, `2 switches`."""
    if number == 1:
        return f"1 {noun}"
    return f"{number:,} {noun}es" if noun.endswith("ch") else f"{number:,} {noun}s"


def seconds(duration: float) -> str:
    """`0.02 s`, `3.1 s`, `75 s`."""
    if duration < 1:
        return f"{duration:.2f} s"
    return f"{duration:.1f} s" if duration < 10 else f"{duration:.0f} s"


def estimate(number: float) -> str:
    """Two digits of an estimate are more than it can vouch for already."""
    if number >= 1e15:
        exponent = math.floor(math.log10(number))
        return f"10^{exponent}"
    if number >= 100:
        unit = 10 ** (math.floor(math.log10(number)) - 1)
        return f"{round(number / unit) * unit:,}"
    return str(round(number))


def is_known(interleavings: int, estimated: float) -> bool:
    """Whether an estimate says anything about what is still to come."""
    return math.isfinite(estimated) and estimated > interleavings


def percentage(part: int, whole: float) -> str:
    """`about 3 %`; what is not complete is never 100 %, and what has begun is never 0 %."""
    percent = 100 * part / whole
    if percent < 1:
        return "under 1 %"
    return "over 99 %" if percent > 99 else f"about {round(percent)} %"

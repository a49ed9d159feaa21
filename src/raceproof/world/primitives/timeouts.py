"""How long a wait may last, from the arguments that Python's locks accept.

`None` means for ever and 0 not at all: a wait of no length is a try, whatever the clock does.
"""

from __future__ import annotations

import operator
import sys
from math import isnan
from threading import TIMEOUT_MAX
from typing import Any

MUST_NOT_BE_NEGATIVE = (
    "timeout value must be a non-negative number"
    if sys.version_info >= (3, 13)
    else "timeout value must be positive"
)


def seconds(timeout: Any) -> float:
    """A duration as `_thread` reads it: a float, or an integer."""
    if isinstance(timeout, float):
        if isnan(timeout):
            raise ValueError("Invalid value NaN (not a number)")
        duration = timeout
    else:
        duration = operator.index(timeout)
    if duration > TIMEOUT_MAX:
        raise OverflowError("timestamp out of range for platform time_t")
    return duration


def of_lock(blocking: Any, timeout: Any) -> float | None:
    """The wait that `Lock.acquire(blocking, timeout)` asks for."""
    duration = seconds(timeout)
    if not blocking:
        if duration != -1:
            raise ValueError("can't specify a timeout for a non-blocking call")
        return 0
    if duration == -1:
        return None
    if duration < 0:
        raise ValueError(MUST_NOT_BE_NEGATIVE)
    return duration


def of_wait(timeout: Any) -> float | None:
    """The wait that `Condition.wait(timeout)` asks for; one that is over already is none."""
    if timeout is None:
        return None
    return seconds(timeout) if timeout > 0 else 0


def of_queue(timeout: Any) -> float | None:
    """The wait that `Queue.get(timeout=timeout)` asks for."""
    if timeout is None:
        return None
    if timeout < 0:
        raise ValueError("'timeout' must be a non-negative number")
    return timeout if timeout <= TIMEOUT_MAX else seconds(timeout)

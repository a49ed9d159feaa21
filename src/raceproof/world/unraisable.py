"""Exceptions that nobody can catch: `sys.unraisablehook` is told, as the interpreter would."""

from __future__ import annotations

import sys
import traceback
from typing import Any

from raceproof.world import record


def tell_unraisable(
    error: BaseException, where: str, culprit: Any = None, on_record: bool = False
) -> None:
    """Call the hook for `error`, which was raised `where` and by `culprit`.

    One that is `on_record` counts already; of another, what is printed tells.
    """
    message = f"Exception ignored {where}"
    if culprit is not None and sys.version_info >= (3, 13):
        message, culprit = f"{message} {culprit!r}", None
    hook: Any = sys.unraisablehook
    if hook is not sys.__unraisablehook__:
        hook(Unraisable(error, message, culprit))
        return
    # The one in C takes nothing but its own type of arguments.
    last = "" if on_record else "".join(traceback.format_exception_only(error))
    with record.current.output.aside():
        print(f"{message}:" if culprit is None else f"{message}: {culprit!r}", file=sys.stderr)
        print(record.formatted(error).removesuffix(last), end="", file=sys.stderr)
    print(last, end="", file=sys.stderr)


class Unraisable:
    """What `sys.unraisablehook` is told about an exception."""

    def __init__(self, error: BaseException, message: str, culprit: Any) -> None:
        self.exc_type = type(error)
        self.exc_value = error
        self.exc_traceback = error.__traceback__
        self.err_msg = message
        self.object = culprit

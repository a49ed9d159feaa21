"""Virtual time: it starts at the same instant in every execution and passes only when one waits.

Each thread has its own clock, which its sleeps move; reading a clock takes a little time too, so
that a loop that waits for a deadline comes to its end.  Readings know that they are readings: the
text they are turned into is noted, so that the time of day makes no two outcomes different.
"""

from __future__ import annotations

import datetime as real_module
import sys
import time
from collections.abc import Callable
from typing import Any, Final

from raceproof.world import record
from raceproof.world.scheduler import machine

LAST_READING: Final = "last reading"
"""Key in `VirtualThread.storage`: (step, clock, tick) at the last reading of a clock."""
FIRST_TICK: Final = 1e-6
LONGEST_TICK: Final = 0.1
MONOTONIC_START: Final = 1_000.0

_real: Final[dict[str, Any]] = {
    name: getattr(time, name)
    for name in (
        "time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns",
        "process_time", "process_time_ns", "thread_time", "thread_time_ns", "sleep", "strftime",
        "localtime", "gmtime", "ctime", "asctime", "mktime", "clock_gettime", "clock_gettime_ns",
    )
    if hasattr(time, name)
}  # fmt: skip

start = 0.0
"""Seconds since the epoch at the beginning of each execution."""


def set_start(instant: float | None = None) -> None:
    """Let executions start at `instant` (default: now, to the second)."""
    global start
    start = float(int(_real["time"]())) if instant is None else instant


def elapsed() -> float:
    """Read the running thread's clock: the seconds since the beginning of the execution.

    Readings with nothing in between are 1, 2, 4, ... microseconds apart.
    """
    thread = machine.current
    thread.readings += 1
    now = max(machine.clock, thread.clock)
    step, clock, tick = thread.storage.get(LAST_READING, (-1, -1.0, 0.0))
    idle = step == machine.step and clock == now
    tick = min(tick * 2, LONGEST_TICK) if idle else FIRST_TICK
    now += tick
    thread.clock = now
    thread.storage[LAST_READING] = (machine.step, now, tick)
    return now


def shown(text: str) -> str:
    """`text` says what a clock said; returns it."""
    if machine.active:
        record.current.output.note_reading(text)
    return text


# -- readings ------------------------------------------------------------------------------------


class Reading:
    """What a clock said, or what was calculated from that."""

    __slots__ = ()

    def __repr__(self) -> str:
        return shown(super().__repr__())

    def __str__(self) -> str:
        return shown(super().__repr__())

    def __format__(self, spec: str) -> str:
        return shown(super().__format__(spec))

    def __hash__(self) -> int:
        return super().__hash__()

    def __reduce__(self) -> Any:
        plain = type(self).__mro__[-2]
        return (plain, (plain(self),))


class ClockReading(Reading, float):
    """A reading in seconds, or a duration."""

    __slots__ = ()


class ClockTicks(Reading, int):
    """A reading in nanoseconds."""

    __slots__ = ()


def _tainted(name: str, plain: type) -> Callable[..., Any]:
    original = getattr(plain, name)

    def calculate(self: Any, *others: Any) -> Any:
        result = original(self, *others)
        kind = type(result)
        if kind is float:
            return ClockReading(result)
        if kind is int:
            return ClockTicks(result)
        if kind is tuple:
            return tuple(ClockReading(part) if type(part) is float else part for part in result)
        if result is NotImplemented and plain is int and others and type(others[0]) is float:
            return ClockReading(getattr(float, name)(float(self), *others))
        return result

    calculate.__name__ = name
    return calculate


for _name in (
    "__add__", "__radd__", "__sub__", "__rsub__", "__mul__", "__rmul__", "__truediv__",
    "__rtruediv__", "__floordiv__", "__rfloordiv__", "__mod__", "__rmod__", "__divmod__",
    "__neg__", "__pos__", "__abs__", "__round__", "__pow__",
):  # fmt: skip
    setattr(ClockReading, _name, _tainted(_name, float))
    setattr(ClockTicks, _name, _tainted(_name, int))


# -- the module `time` ---------------------------------------------------------------------------


def _seconds(name: str, offset: Callable[[], float]) -> Callable[[], float]:
    original = _real[name]

    def read() -> float:
        return ClockReading(offset() + elapsed()) if machine.active else original()

    read.__name__ = read.__qualname__ = name
    read.__doc__ = f"`time.{name}`."
    return read


def _nanoseconds(name: str, offset: Callable[[], float]) -> Callable[[], int]:
    original = _real[name]

    def read() -> int:
        if not machine.active:
            return int(original())
        return ClockTicks(int(offset()) * 1_000_000_000 + round(elapsed() * 1e9))

    read.__name__ = read.__qualname__ = name
    read.__doc__ = f"`time.{name}`."
    return read


def _since_epoch() -> float:
    return start


def _since_boot() -> float:
    return MONOTONIC_START


def _since_start() -> float:
    return 0.0


def sleep(seconds: Any, /) -> None:
    """`time.sleep`: the thread's clock moves on, and that is all.

    A sleep is no order: whatever others do meanwhile they may do before or after it as well.
    """
    if not machine.active:
        _real["sleep"](seconds)
        return
    if not isinstance(seconds, (int, float)) and not hasattr(seconds, "__index__"):
        kind = type(seconds).__name__
        raise TypeError(f"'{kind}' object cannot be interpreted as an integer")
    if seconds != seconds:
        raise ValueError("Invalid value NaN (not a number)")
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    thread = machine.current
    thread.naps += 1
    if sys._getframe(1).f_code.co_filename in machine.watched_files:
        thread.clock = max(machine.clock, thread.clock) + seconds
    else:
        machine.rest(seconds)


def _instant(value: Any) -> Any:
    """The argument of `localtime` and the like; None means now."""
    return start + elapsed() if value is None and machine.active else value


def localtime(seconds: Any = None, /) -> time.struct_time:
    """`time.localtime`."""
    found: time.struct_time = _real["localtime"](_instant(seconds))
    return found


def gmtime(seconds: Any = None, /) -> time.struct_time:
    """`time.gmtime`."""
    found: time.struct_time = _real["gmtime"](_instant(seconds))
    return found


def _is_now(moment: Any) -> bool:
    """Whether a broken-down time can have come from a clock of this execution."""
    try:
        instant = _real["mktime"](tuple(moment))
    except (OverflowError, TypeError, ValueError):
        return False
    # A day more or less: it may have been in another time zone.
    return bool(-90_000 <= instant - start <= max(machine.clock, machine.current.clock) + 90_000)


def strftime(format: str, moment: Any = None, /) -> str:
    """`time.strftime`."""
    if not machine.active:
        arguments = (format,) if moment is None else (format, moment)
        return str(_real["strftime"](*arguments))
    text = str(_real["strftime"](format, localtime() if moment is None else moment))
    return shown(text) if moment is None or _is_now(moment) else text


def asctime(moment: Any = None, /) -> str:
    """`time.asctime`."""
    if not machine.active:
        return str(_real["asctime"](*(() if moment is None else (moment,))))
    text = str(_real["asctime"](localtime() if moment is None else moment))
    return shown(text) if moment is None or _is_now(moment) else text


def ctime(seconds: Any = None, /) -> str:
    """`time.ctime`."""
    if not machine.active:
        return str(_real["ctime"](seconds))
    return asctime(localtime(seconds))


def clock_gettime(clk_id: int, /) -> float:
    """`time.clock_gettime`."""
    if not machine.active:
        return float(_real["clock_gettime"](clk_id))
    offset = start if clk_id == time.CLOCK_REALTIME else MONOTONIC_START
    return ClockReading(offset + elapsed())


def clock_gettime_ns(clk_id: int, /) -> int:
    """`time.clock_gettime_ns`."""
    if not machine.active:
        return int(_real["clock_gettime_ns"](clk_id))
    return ClockTicks(clock_gettime(clk_id) * 1e9)


def replacements() -> dict[str, Callable[..., Any]]:
    """The functions of the module `time` that are replaced."""
    found: dict[str, Callable[..., Any]] = {
        "sleep": sleep, "localtime": localtime, "gmtime": gmtime, "strftime": strftime,
        "asctime": asctime, "ctime": ctime, "clock_gettime": clock_gettime,
        "clock_gettime_ns": clock_gettime_ns,
    }  # fmt: skip
    for name, offset in (
        ("time", _since_epoch),
        ("monotonic", _since_boot),
        ("perf_counter", _since_boot),
        ("process_time", _since_start),
        ("thread_time", _since_start),
    ):
        found[name] = _seconds(name, offset)
        found[name + "_ns"] = _nanoseconds(name + "_ns", offset)
    return {name: function for name, function in found.items() if name in _real}


# -- the module `datetime` -----------------------------------------------------------------------

_datetime = real_module.datetime
_date = real_module.date
_timedelta = real_module.timedelta


class ClockDelta(_timedelta):
    """The time between two readings."""

    def __str__(self) -> str:
        return shown(super().__str__())

    def __repr__(self) -> str:
        return shown(_plain_delta(self).__repr__())

    def total_seconds(self) -> float:
        """As for any `timedelta`; a reading, too."""
        return ClockReading(super().total_seconds())

    def __reduce__(self) -> Any:
        return _plain_delta(self).__reduce__()


def _plain_delta(delta: _timedelta) -> _timedelta:
    return _timedelta(delta.days, delta.seconds, delta.microseconds)


class ClockDatetime(_datetime):
    """What `datetime.now` says, or what was calculated from that."""

    @classmethod
    def of(cls, moment: _datetime) -> ClockDatetime:
        """The same moment, as a reading."""
        return cls(
            moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second,
            moment.microsecond, moment.tzinfo, fold=moment.fold,
        )  # fmt: skip

    def plain(self) -> _datetime:
        """The same moment, as if written down in the program."""
        return _datetime.combine(self.date(), self.timetz())

    def __str__(self) -> str:
        return shown(super().__str__())

    def __repr__(self) -> str:
        return shown(self.plain().__repr__())

    def __format__(self, spec: str) -> str:
        return self.strftime(spec) if spec else str(self)

    def isoformat(self, sep: str = "T", timespec: str = "auto") -> str:
        """As for any `datetime`."""
        return shown(super().isoformat(sep, timespec))

    def strftime(self, format: str) -> str:
        """As for any `datetime`."""
        return shown(super().strftime(format))

    def ctime(self) -> str:
        """As for any `datetime`."""
        return shown(super().ctime())

    def timestamp(self) -> float:
        """As for any `datetime`; a reading, too."""
        return ClockReading(super().timestamp())

    def __sub__(self, other: Any) -> Any:
        return _reading(super().__sub__(other))

    def __rsub__(self, other: Any) -> Any:
        result = _datetime.__sub__(other, self.plain()) if isinstance(other, _datetime) else None
        return NotImplemented if result is None else _reading(result)

    def __reduce_ex__(self, _protocol: Any) -> Any:
        return reduce_datetime(self.plain())

    def __conform__(self, _protocol: Any) -> str:
        """For `sqlite3`, which looks for an adapter of the exact type."""
        return self.plain().isoformat(" ")


def _reading(value: Any) -> Any:
    if isinstance(value, _timedelta):
        return ClockDelta(value.days, value.seconds, value.microseconds)
    return value


class _Facade(type):
    """The type of what stands for `datetime.datetime` and `datetime.date`.

    Values of the real types are instances of the stand-ins, and calling those makes real ones.
    """

    def __instancecheck__(cls, instance: object) -> bool:
        real = cls.__dict__.get("_real")
        return type.__instancecheck__(cls, instance) if real is None else isinstance(instance, real)

    def __subclasscheck__(cls, subclass: type) -> bool:
        real = cls.__dict__.get("_real")
        return type.__subclasscheck__(cls, subclass) if real is None else issubclass(subclass, real)

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        real = cls.__dict__.get("_real")
        return type.__call__(cls, *args, **kwargs) if real is None else real(*args, **kwargs)


class datetime(_datetime, metaclass=_Facade):  # noqa: N801 - the name that is replaced
    """Stands for `datetime.datetime`."""

    __module__ = "datetime"
    _real = _datetime

    @classmethod
    def now(cls, tz: Any = None) -> Any:
        """`datetime.now`."""
        if not machine.active:
            return _datetime.now(tz) if cls is datetime else super().now(tz)
        if cls is not datetime:
            return cls.fromtimestamp(start + elapsed(), tz)
        return ClockDatetime.of(_datetime.fromtimestamp(start + elapsed(), tz))

    @classmethod
    def today(cls) -> Any:
        """`datetime.today`."""
        return cls.now()

    @classmethod
    def utcnow(cls) -> Any:
        """`datetime.utcnow`."""
        if not machine.active:
            return _datetime.utcnow() if cls is datetime else super().utcnow()
        moment = _datetime.fromtimestamp(start + elapsed(), real_module.UTC).replace(tzinfo=None)
        return ClockDatetime.of(moment) if cls is datetime else cls.combine(
            moment.date(), moment.time()
        )  # fmt: skip


def reduce_datetime(moment: _datetime) -> Any:
    """For `pickle`, which insists that a class is what its name stands for."""
    return (datetime, moment.__reduce_ex__(2)[1])


def reduce_date(day: _date) -> Any:
    """The same for dates."""
    return (date, day.__reduce_ex__(2)[1])


REDUCERS: Final[dict[type, Callable[[Any], Any]]] = {
    _datetime: reduce_datetime,
    _date: reduce_date,
}
"""Entries for `copyreg.dispatch_table`."""


class date(_date, metaclass=_Facade):  # noqa: N801 - the name that is replaced
    """Stands for `datetime.date`."""

    __module__ = "datetime"
    _real = _date

    @classmethod
    def today(cls) -> Any:
        """`date.today`."""
        if not machine.active:
            return _date.today() if cls is date else super().today()
        made = _date if cls is date else cls
        return made.fromtimestamp(start + elapsed())

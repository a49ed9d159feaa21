"""What fibers do, whatever carries them."""

from __future__ import annotations

import contextvars
import signal
import sys
from _thread import get_ident, start_new_thread
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from raceproof.world.carriers import NoGreenlet, hub_class
from raceproof.world.fibers import ExecutionAbandoned, Fiber, Hub

Body = Callable[[], Any]


@pytest.fixture(params=["greenlet", "os"])
def hub(request: pytest.FixtureRequest) -> Iterator[Hub]:
    try:
        made = hub_class(request.param)()
    except NoGreenlet as error:
        pytest.skip(str(error))
    yield made
    made.close()


def run(hub: Hub, *bodies: Body) -> list[Fiber]:
    """Give each body a fiber, run the first, and abandon what is left in the end."""
    fibers = [hub.fiber(body, number) for number, body in enumerate(bodies)]
    hub.serve(fibers[0])
    for fiber in fibers:
        fiber.abandon()
        hub.take_back(fiber)
    return fibers


def test_one_runs_until_it_hands_over(hub: Hub) -> None:
    seen: list[str] = []
    fibers: list[Fiber] = []

    def first() -> None:
        seen.append("first")
        fibers[1].switch()
        seen.append("first again")
        hub.switch()

    def second() -> None:
        seen.append("second")
        fibers[0].switch()

    fibers += [hub.fiber(first, 0), hub.fiber(second, 1)]
    assert seen == []
    hub.serve(fibers[0])
    assert seen == ["first", "second", "first again"]
    for fiber in fibers:
        fiber.abandon()


def test_a_body_that_returns_goes_on_in_its_successor_or_in_the_hub(hub: Hub) -> None:
    seen: list[str] = []
    fibers = [hub.fiber(lambda: fibers[0].continue_into(fibers[1]), 0)]
    fibers.append(hub.fiber(lambda: seen.append("second"), 1))
    hub.serve(fibers[0])
    assert seen == ["second"]
    assert all(fiber.idle for fiber in fibers)


def test_fibers_can_be_made_by_fibers(hub: Hub) -> None:
    seen: list[int] = []
    made: list[Fiber] = []

    def chain(number: int) -> None:
        seen.append(number)
        if number < 40:
            made.append(hub.fiber(lambda: chain(number + 1), number + 1))
            made[-1].switch()
        hub.switch()

    run(hub, lambda: chain(0))
    assert seen == list(range(41))
    for fiber in made:
        fiber.abandon()
        assert fiber.idle


def test_what_is_abandoned_is_unwound_where_it_stands(hub: Hub) -> None:
    seen: list[Any] = []

    def generate() -> Iterator[int]:
        try:
            yield 1
        finally:
            seen.append("generator closed")

    def body() -> None:
        values = generate()
        next(values)
        try:
            hub.switch()
        except Exception:
            seen.append("swallowed")
        except BaseException as error:
            seen.append(type(error))
            values.close()
            raise
        finally:
            seen.append("finally")

    (fiber,) = run(hub, body)
    assert seen == [ExecutionAbandoned, "generator closed", "finally"]
    assert fiber.idle
    assert hub.error is None


def test_a_body_that_has_not_begun_never_does(hub: Hub) -> None:
    seen: list[str] = []
    _, second = run(hub, hub.switch, lambda: seen.append("second"))
    assert seen == []
    assert second.idle


def test_one_that_will_not_go_is_left_standing(hub: Hub) -> None:
    def body() -> None:
        while True:
            try:
                hub.switch()
            except BaseException:
                pass

    (fiber,) = run(hub, body)
    assert not fiber.idle
    assert hub.stubborn == [fiber]
    seen: list[str] = []
    run(hub, lambda: seen.append("others go on"))
    assert seen == ["others go on"]


@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(3), KeyboardInterrupt()])
def test_an_exception_of_a_body_is_kept(hub: Hub, error: BaseException) -> None:
    def body() -> None:
        raise error

    (fiber,) = run(hub, body)
    assert hub.error is error
    assert fiber.idle


def test_each_body_starts_in_an_empty_context(hub: Hub) -> None:
    variable = contextvars.ContextVar("variable", default=0)
    seen: list[int] = []

    def body() -> None:
        seen.append(variable.get())
        variable.set(2)

    variable.set(1)
    for _ in range(2):
        run(hub, body)
    assert seen == [0, 0]
    assert variable.get() == 1


def test_a_body_has_the_stack_for_itself(hub: Hub) -> None:
    """Wherever it was started from."""
    depths: list[int] = []
    made: list[Fiber] = []

    def dive() -> None:
        depths.append(depths.pop() + 1)
        dive()

    def measure() -> None:
        depths.append(0)
        with pytest.raises(RecursionError):
            dive()

    def deep(levels: int) -> None:
        if levels:
            deep(levels - 1)
        else:
            for number in range(1, 40):
                made.append(hub.fiber(measure, number))
                made[-1].continue_into(main[0])
                made[-1].switch()
            hub.switch()

    main = [hub.fiber(lambda: deep(300), 0)]
    hub.serve(main[0])
    main[0].abandon()
    assert len(depths) == 39
    assert min(depths) > sys.getrecursionlimit() - 150
    assert max(depths) - min(depths) < 20


def test_recursion_to_the_limit_breaks_no_switch(hub: Hub) -> None:
    """Whether a switch still fits in, or not: either it takes place or it does not."""
    fibers: list[Fiber] = []
    count = {"there": 0, "back": 0}

    def ping() -> None:
        while True:
            count["there"] += 1
            fibers[0].switch()

    def dive() -> None:
        fibers[1].switch()
        count["back"] += 1
        dive()

    def body() -> None:
        for _ in range(3):
            with pytest.raises(RecursionError):
                dive()

    fibers += [hub.fiber(body, 0), hub.fiber(ping, 1)]
    hub.serve(fibers[0])
    for fiber in fibers:
        fiber.abandon()
    assert hub.error is None
    assert count["there"] == count["back"] > 900


def test_a_number_has_the_same_thread_every_time(hub: Hub) -> None:
    seen: list[list[int]] = [[], []]
    for _ in range(2):
        run(hub, lambda: seen[0].append(get_ident()), lambda: seen[1].append(get_ident()))
        run(hub, lambda: seen[0].append(get_ident()))
    assert len(set(seen[0])) == 1


def test_the_running_thread_is_known(hub: Hub) -> None:
    seen: list[bool] = []
    assert hub.ident == get_ident()
    assert hub.is_here
    run(hub, lambda: seen.append(hub.ident == get_ident() and not hub.is_here))
    assert hub.ident == get_ident()
    assert seen == [True]


def test_another_thread_needs_another_hub(hub: Hub) -> None:
    seen: list[bool] = []
    over = [False]

    def look() -> None:
        seen.append(hub.is_here)
        over[0] = True

    start_new_thread(look, ())
    while not over[0]:
        pass
    assert seen == [False]


def test_trace_functions_end_with_the_body_that_set_them(hub: Hub) -> None:
    before = sys.gettrace(), sys.getprofile()
    seen: list[Any] = []

    def body() -> None:
        seen.append((sys.gettrace(), sys.getprofile()))
        sys.settrace(None)
        sys.setprofile(None)

    run(hub, body)
    sys.settrace(before[0])
    sys.setprofile(before[1])
    run(hub, body)
    sys.settrace(before[0])
    sys.setprofile(before[1])
    assert seen[0] == seen[1]


def test_a_debugger_follows_into_the_bodies(hub: Hub) -> None:
    lines: list[str] = []

    def trace(frame: Any, event: str, argument: object) -> Any:
        if event == "call" and frame.f_code.co_name == "followed":
            lines.append("followed")
        return None

    def followed() -> None:
        pass

    run(hub, followed)
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        run(hub, followed)
    finally:
        sys.settrace(before)
    assert lines == ["followed"]


posix = pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")


def interrupted_by(hub: Hub, handler: Callable[[], None], body: Body) -> list[Fiber]:
    """Run `body`, which has a real signal arrive; `handler` is called then."""
    previous = signal.signal(signal.SIGUSR1, lambda *_: handler())
    main = get_ident()
    try:
        return run(
            hub,
            lambda: (
                start_new_thread(lambda: signal.pthread_kill(main, signal.SIGUSR1), ()),
                body(),
            ),
        )
    finally:
        signal.signal(signal.SIGUSR1, previous)


def endlessly() -> None:
    while True:
        pass


@posix
def test_a_body_that_does_not_come_back_is_broken_into(hub: Hub) -> None:
    seen: list[str] = []

    def body() -> None:
        try:
            endlessly()
        finally:
            seen.append("unwound")

    interrupted_by(hub, hub.break_in, body)
    assert seen == ["unwound"]
    assert hub.error is None
    run(hub, lambda: seen.append("others go on"))
    assert seen == ["unwound", "others go on"]


@posix
def test_what_a_signal_handler_raises_is_raised_in_the_body(hub: Hub) -> None:
    seen: list[str] = []

    def handler() -> None:
        raise InterruptedError

    def body() -> None:
        try:
            endlessly()
        except InterruptedError:
            seen.append("interrupted")

    interrupted_by(hub, handler, body)
    assert seen == ["interrupted"]


@posix
def test_a_signal_that_is_handled_changes_nothing(hub: Hub) -> None:
    seen: list[str] = []

    def body() -> None:
        while not seen:
            pass
        seen.append("over")

    interrupted_by(hub, lambda: seen.append("handled"), body)
    assert seen == ["handled", "over"]

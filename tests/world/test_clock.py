"""Virtual time."""

from __future__ import annotations

import copy
import datetime
import pickle
import threading
import time
from datetime import date, timedelta
from typing import Any

import pytest
from world.simulation import explore, run, value

START = 1_700_000_000.0


def test_every_execution_starts_at_the_same_instant() -> None:
    def program() -> Any:
        return float(time.time()), float(time.monotonic()), date.today().isoformat()

    first, second = run(program, start=START), run(program, start=START)
    assert first.result == second.result
    assert first.result[0] == pytest.approx(START, abs=0.001)


def test_sleeping_moves_the_clock_of_the_thread_and_takes_no_time() -> None:
    def program() -> Any:
        before = time.monotonic()
        thread = threading.Thread(target=time.sleep, args=(10_000,))
        thread.start()
        time.sleep(3_600)
        slept = time.monotonic() - before
        thread.join()
        return round(slept), round(time.monotonic() - before)

    began = time.monotonic()
    assert value(program) == (3_600, 10_000)
    assert time.monotonic() - began < 5


def test_a_sleep_is_no_order() -> None:
    def program() -> Any:
        order: list[str] = []
        lock = threading.Lock()

        def work(name: str, delay: int) -> None:
            time.sleep(delay)
            with lock:
                order.append(name)

        threads = [threading.Thread(target=work, args=args) for args in (("a", 1), ("b", 9))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return tuple(order)

    assert explore(program).results == {("a", "b"): 1, ("b", "a"): 1}


def test_mistakes_in_sleeping() -> None:
    def program() -> None:
        with pytest.raises(ValueError, match="sleep length must be non-negative"):
            time.sleep(-1)
        with pytest.raises(TypeError):
            time.sleep("1")  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="NaN"):
            time.sleep(float("nan"))

    value(program)


def test_a_busy_wait_comes_to_its_end() -> None:
    def program() -> int:
        deadline = time.monotonic() + 5
        rounds = 0
        while time.monotonic() < deadline:
            rounds += 1
        return rounds

    assert 10 < value(program) < 200


def test_all_clocks_advance() -> None:
    def program() -> Any:
        names = ["time", "monotonic", "perf_counter", "process_time", "thread_time"]
        names += [name + "_ns" for name in names]
        return [getattr(time, name)() < getattr(time, name)() for name in names]

    assert all(value(program))


def test_readings_behave_like_numbers() -> None:
    def program() -> Any:
        began, ticks = time.time(), time.time_ns()
        return (
            isinstance(began, float), isinstance(ticks, int), began + 1 > began, int(began) > 0,
            max(began, 0.0) == began, {began: 1}[began], ticks // 1_000_000_000 - int(ticks / 1e9),
            copy.deepcopy(began) == began, pickle.loads(pickle.dumps(began)) == began,
            type(pickle.loads(pickle.dumps(ticks))), float(str(began).split(".")[0]) <= began,
            int(time.strftime("%Y")) >= 1970,
        )  # fmt: skip

    assert value(program) == (True, True, True, True, True, 1, 0, True, True, int, True, True)


def test_readings_in_output_make_no_difference() -> None:
    def program() -> None:
        began = time.time()
        time.sleep(1.25)
        print(began)
        print(f"took {time.time() - began:.2f} s")
        print("at", round(time.perf_counter(), 3), "or", time.perf_counter_ns() // 1000)
        print(time.strftime("%H:%M:%S"), time.ctime(), time.asctime())
        print(datetime.datetime.now())
        print(f"{datetime.datetime.now():%H:%M}")
        print(datetime.datetime.now().isoformat(), datetime.datetime.now() - timedelta(1))
        print(datetime.datetime.now() - datetime.datetime.now())
        print("2.25 is no reading, nor 1.250 or 11.25")

    ran = run(program, start=START)
    assert ran.lines == [
        "<time>", "took <time> s", "at <time> or <time>", "<time> <time> <time>", "<time>",
        "<time>", "<time> <time>", "<time>", "2.25 is no reading, nor 1.250 or 11.25",
    ]  # fmt: skip
    assert ran.printed[1] == "took 1.25 s"


def test_a_time_that_was_written_down_is_none_of_the_clock() -> None:
    def program() -> None:
        print(time.strftime("%Y-%m-%d", time.gmtime(0)), datetime.datetime(2020, 1, 2, 3, 4))

    assert run(program, start=START).lines == ["1970-01-01 2020-01-02 03:04:00"]


def test_datetime_is_still_itself() -> None:
    def program() -> Any:
        now = datetime.datetime.now()
        fixed = datetime.datetime(2020, 1, 2)
        return (
            isinstance(now, datetime.datetime), isinstance(fixed, datetime.datetime),
            isinstance(now, datetime.date), isinstance(datetime.date(2020, 1, 2), datetime.date),
            isinstance(date.today(), datetime.datetime), issubclass(datetime.datetime, date),
            now > fixed, now - fixed > timedelta(1), (now + timedelta(1)).day != now.day,
            pickle.loads(pickle.dumps(fixed)) == fixed, pickle.loads(pickle.dumps(now)) == now,
            datetime.datetime.strptime("2020", "%Y") == datetime.datetime(2020, 1, 1),
            datetime.datetime.fromisoformat(now.isoformat()) == now,
            datetime.datetime.now(datetime.UTC).tzinfo is datetime.UTC,
            datetime.datetime.fromtimestamp(now.timestamp()) == now,
        )  # fmt: skip

    assert value(program) == (
        True, True, True, True, False, True, True, True, True, True, True, True, True, True, True,
    )  # fmt: skip


def test_a_subclass_of_datetime_makes_instances_of_itself() -> None:
    def program() -> Any:
        class Moment(datetime.datetime):
            pass

        return [type(made).__name__ for made in (Moment(2020, 1, 1), Moment.now(), Moment.today())]

    assert value(program) == ["Moment"] * 3


def test_the_real_clock_is_back_afterwards() -> None:
    run(lambda: None, start=0.0)
    assert time.time() > START
    assert type(time.time()) is float
    assert type(datetime.datetime.now()) is datetime.datetime

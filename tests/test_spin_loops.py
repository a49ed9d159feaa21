"""Loops that wait for other threads: the search ends, and says whether they ever do."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from exploring import assert_ok, explored

from raceproof.exploration import Options, explore
from raceproof.judge.findings import Result
from raceproof.session import Program

LOOPS = Path(__file__).parent.parent / "benchmarks" / "known" / "loops"


def run(script: Path, directory: Path, **options: object) -> Result:
    chosen = Options(replay_dir=str(directory / "replays"), **options)  # type: ignore[arg-type]
    return explore(Program(str(script), None, ()), chosen, lambda *_: None)


def write(directory: Path, source: str) -> Path:
    script = directory / "program.py"
    script.write_text(textwrap.dedent(source))
    return script


def kinds(result: Result) -> list[str]:
    return [finding.kind for finding in result.findings]


@pytest.mark.parametrize(
    ("name", "interleavings"),
    [
        ("flag_pass", 2),
        ("break_sleep", 2),
        ("flag_sleep_attribute", 2),
        ("method_property_poll", 6),
        ("nested_loops", 3),
        ("is_alive_plain", 2),
        ("queue_empty", 5),
        ("future_done", 3),
        ("for_count", 2),
        ("generator_poll", 2),
        ("recursion", 3),
        ("trylock_spin", 4),
        ("trylock_counter_backoff", 4),
        ("backoff_object", 5),
        ("timed_acquire_retry", 6),
        ("checked_under_lock", 24),
        ("compare_and_swap", 72),
        ("retries_with_sleep", 3),
        ("retries_exhausted", 1),
        ("retries_exhausted_long", 1),
        ("deadline_loop", 2),
        ("deadline_expires", 1),
        ("deadline_sleep_expires", 1),
        ("two_meet", 3),
        ("ping_pong", 20),
        ("peterson", 136),
    ],
)
def test_a_loop_that_waits_is_followed_to_its_end(
    name: str, interleavings: int, tmp_path: Path
) -> None:
    """And looking in vain is no order of its own: ten rounds of ping-pong have twenty orders."""
    result = run(LOOPS / f"{name}.py", tmp_path)
    assert kinds(result) == []
    assert result.complete, result.notes
    assert result.interleavings == interleavings


@pytest.mark.parametrize(
    ("name", "kind", "line"),
    [
        ("flag_never_set", "livelock", 18),
        ("nested_loops_never", "livelock", 19),
        ("for_count_never", "livelock", 18),
        ("iter_sentinel_never", "livelock", 22),
        ("generator_poll_never", "livelock", 18),
        ("checked_under_lock_never", "livelock", 24),
        ("two_spin_on_each_other", "livelock", 17),
        ("condition_timed_never", "livelock", 15),
        ("is_alive_itself", "livelock", 12),
        ("idle_forever", "livelock", 12),
        ("spin_holding_lock", "livelock", 25),
        ("timed_acquire_forever", "waits-forever", 23),
        ("ping_pong_one_too_many", "livelock", 14),
        ("flag_reset_lost", "livelock", 19),
    ],
)
def test_a_loop_that_nobody_ends_is_told_with_its_place(
    name: str, kind: str, line: int, tmp_path: Path
) -> None:
    result = run(LOOPS / f"{name}.py", tmp_path, first=True)
    finding = result.findings[0]
    assert (finding.kind, finding.where[0].line) == (kind, line), finding


@pytest.mark.parametrize(
    "name",
    [
        "flag_published_too_early",
        "queue_empty_two_consumers",
        "queue_get_timeout_drops",
        "retries_without_sleep",
        "trylock_spin_ignored",
        "compare_and_swap_torn",
        "peterson_turn_first",
        "spinlock_two_steps",
        "recursion_forever",
    ],
)
def test_a_fault_beside_a_loop_that_waits_is_found(name: str, tmp_path: Path) -> None:
    result = run(LOOPS / f"{name}.py", tmp_path, first=True)
    assert result.findings
    assert not {"livelock", "waits-forever"} & set(kinds(result))


@pytest.mark.parametrize("name", ["scan_without_waiting", "hidden_progress"])
def test_a_loop_that_only_looks_may_be_at_work_all_the_same(name: str, tmp_path: Path) -> None:
    """It comes to its end by itself, so what it does afterwards may come before the others end."""
    result = run(LOOPS / f"{name}.py", tmp_path)
    assert kinds(result) == ["lost-update"]
    assert result.complete


@pytest.mark.parametrize("name", ["worker_until_stopped", "worker_until_count", "event_is_set"])
def test_a_worker_goes_round_a_few_times_before_it_is_told_to_stop(
    name: str, tmp_path: Path
) -> None:
    result = run(LOOPS / f"{name}.py", tmp_path)
    assert kinds(result) == []
    assert result.complete
    assert any("work until they are told to stop" in note for note in result.notes)


@pytest.mark.parametrize(("rounds", "bounded"), [("range(3)", False), ("count()", True)])
def test_to_try_again_a_few_times_after_a_pause_bounds_nothing(
    rounds: str, bounded: bool, tmp_path: Path
) -> None:
    source = f"""
        import threading, time
        from itertools import count

        attempts, lock = {{"a": 0, "b": 0}}, threading.Lock()

        def fetch(name):
            for attempt in {rounds}:
                with lock:
                    attempts[name] += 1
                if attempts[name] == 2:
                    return
                time.sleep(attempt)

        threads = [threading.Thread(target=fetch, args=(name,)) for name in attempts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        """
    result = explored(source, tmp_path)
    assert_ok(result)
    assert any("told to stop" in note for note in result.notes) is bounded


def test_threads_that_keep_step_with_each_other_are_mixed_up(tmp_path: Path) -> None:
    result = run(LOOPS / "polite_pair.py", tmp_path, max_interleavings=40)
    assert kinds(result) == []


def test_giving_up_after_pauses_is_like_the_end_of_a_timed_wait(tmp_path: Path) -> None:
    script = write(
        tmp_path,
        """
        import threading, time

        class Box:
            ready = False

        def work():
            Box.ready = True

        threading.Thread(target=work).start()
        for _ in range(5):
            if Box.ready:
                break
            time.sleep(1)
        print(Box.ready)
        """,
    )
    seen = {
        timeouts: {tuple(o.lines) for o in run(script, tmp_path, timeouts=timeouts).outcomes}
        for timeouts in ("idle", "any")
    }
    assert seen["idle"] == {("True",)}
    assert seen["any"] == {("True",)}  # at most two waits of a thread are given up early


def test_giving_up_early_is_tried_if_asked_for(tmp_path: Path) -> None:
    script = write(
        tmp_path,
        """
        import threading, time

        class Box:
            ready = False

        def work():
            Box.ready = True

        threading.Thread(target=work).start()
        tries = 0
        while not Box.ready and tries < 2:
            tries += 1
            time.sleep(1)
        print(Box.ready)
        """,
    )
    result = run(script, tmp_path, timeouts="any")
    assert {tuple(o.lines) for o in result.outcomes} == {("True",), ("False",)}


def test_a_loop_that_waits_for_something_outside_is_no_livelock(tmp_path: Path) -> None:
    script = write(
        tmp_path,
        """
        import threading, time
        from functools import partial

        class Process:
            poll = staticmethod(partial(next, iter([None] * 40_000 + [0])))

        process = Process()

        def run():
            while process.poll() is None:
                time.sleep(0.05)
            print("done")

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        """,
    )
    result = run(script, tmp_path)
    assert kinds(result) == []
    assert [tuple(o.lines) for o in result.outcomes] == [("done",)]
    assert not result.complete
    assert any("program.py:11 waits for something" in note for note in result.notes)


def test_polling_leaves_the_bounds_in_the_notes(tmp_path: Path) -> None:
    result = run(LOOPS / "for_count_never.py", tmp_path)
    assert any("loops that count their rounds" in note for note in result.notes)
    result = run(LOOPS / "deadline_loop.py", tmp_path)
    assert any("waits with a timeout" in note for note in result.notes)
    assert run(LOOPS / "flag_pass.py", tmp_path).notes == []

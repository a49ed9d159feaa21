"""Programs with event loops: the threads around them are explored, and time costs nothing."""

from __future__ import annotations

import asyncio
import gc
import textwrap
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from exploring import assert_ok, explored, kinds
from world.simulation import compare_with_chance, explore, shown

# Of executions that were given up.
pytestmark = [
    pytest.mark.filterwarnings("ignore:coroutine .* was never awaited"),
    pytest.mark.filterwarnings("ignore:Exception ignored in"),
]


@pytest.fixture(autouse=True)
def _no_leftovers() -> Iterator[None]:
    """Coroutines that were given up are thrown away here, and not while another test runs."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()
    gc.collect()


BEGIN = """
import asyncio, threading, time
from concurrent.futures import ThreadPoolExecutor
count = 0
lock = threading.Lock()

def bump():
    global count
    count += 1

def bump_safely():
    with lock:
        bump()
"""

CORRECT = {
    "to_thread under a lock": """
        async def main():
            await asyncio.gather(asyncio.to_thread(bump_safely), asyncio.to_thread(bump_safely))
            assert count == 2
        asyncio.run(main())
        """,
    "to_thread one after the other": """
        async def main():
            async with asyncio.TaskGroup() as group:
                for _ in range(2):
                    group.create_task(guarded())
            assert count == 2
        async def guarded():
            async with one_at_a_time:
                await asyncio.to_thread(bump)
        one_at_a_time = asyncio.Semaphore(1)
        asyncio.run(main())
        """,
    "sleeping": """
        async def main():
            begin = asyncio.get_running_loop().time()
            await asyncio.gather(asyncio.sleep(3600), asyncio.sleep(7200))
            assert 7200 <= asyncio.get_running_loop().time() - begin < 7201
            try:
                async with asyncio.timeout(5):
                    await asyncio.sleep(10)
            except TimeoutError:
                return
            raise AssertionError
        asyncio.run(main())
        """,
    "what the thread returns and raises": """
        async def main():
            def fail(): raise KeyError(1)
            found = await asyncio.gather(
                asyncio.to_thread(len, "ab"), asyncio.to_thread(fail), return_exceptions=True
            )
            assert found[0] == 2 and type(found[1]) is KeyError
        asyncio.run(main())
        """,
    "a thread that hands over a result": """
        async def main():
            loop = asyncio.get_running_loop()
            future, event = loop.create_future(), asyncio.Event()
            def work():
                loop.call_soon_threadsafe(future.set_result, 5)
                loop.call_soon_threadsafe(event.set)
            thread = threading.Thread(target=work)
            thread.start()
            assert await future == 5
            await event.wait()
            thread.join()
        asyncio.run(main())
        """,
    "a loop in a thread of its own": """
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        async def double(number):
            await asyncio.sleep(1)
            return 2 * number
        assert asyncio.run_coroutine_threadsafe(double(4), loop).result() == 8
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        assert not loop.is_running()
        loop.close()
        """,
    "a loop in each thread": """
        async def main():
            await asyncio.sleep(1)
            assert asyncio.current_task() is not None
            bump_safely()
        threads = [threading.Thread(target=lambda: asyncio.run(main())) for _ in range(2)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        assert count == 2
        """,
    "no loop in a worker": """
        def look():
            try:
                asyncio.get_running_loop()
            except RuntimeError:
                return "none"
        async def main():
            assert await asyncio.to_thread(look) == "none"
            assert asyncio.get_running_loop().is_running()
        asyncio.run(main())
        """,
    "polling": """
        async def main():
            future = asyncio.get_running_loop().run_in_executor(None, bump)
            while not count:
                await asyncio.sleep(0.1)
            while not future.done():
                await asyncio.sleep(0)
        asyncio.run(main())
        """,
    "time goes on besides": """
        async def beat():
            while True:
                await asyncio.sleep(0.5)
        async def main():
            beating = asyncio.create_task(beat())
            assert await asyncio.to_thread(time.sleep, 2) is None
            beating.cancel()
        asyncio.run(main())
        """,
    "patience ends when nobody else can go on": """
        async def main():
            gate = threading.Event()
            waiting = asyncio.ensure_future(asyncio.to_thread(gate.wait))
            try:
                await asyncio.wait_for(asyncio.shield(waiting), 5)
            except asyncio.TimeoutError:
                gate.set()
            assert await waiting
        asyncio.run(main())
        """,
    "files besides": """
        import os
        async def main():
            reader, writer = os.pipe()
            loop, seen = asyncio.get_running_loop(), asyncio.Event()
            loop.add_reader(reader, seen.set)
            await asyncio.to_thread(os.write, writer, b"x")
            await seen.wait()
            loop.remove_reader(reader)
            os.close(reader)
            os.close(writer)
        asyncio.run(main())
        """,
    "loops made by hand": """
        async def number(value):
            return value
        for value in range(2):
            loop = asyncio.new_event_loop()
            asyncio.set_event_loop(loop)
            assert loop.run_until_complete(number(value)) == value
            assert asyncio.get_event_loop_policy().get_event_loop() is loop
            loop.close()
        """,
}

WRONG = {
    "to_thread": ("lost-update", """
        async def main():
            await asyncio.gather(asyncio.to_thread(bump), asyncio.to_thread(bump))
            print(count)
        asyncio.run(main())
        """),
    "run_in_executor": ("lost-update", """
        async def main():
            loop = asyncio.get_running_loop()
            with ThreadPoolExecutor(2) as pool:
                await asyncio.gather(*[loop.run_in_executor(pool, bump) for _ in range(2)])
        asyncio.run(main())
        """),
    "the loop against a thread": ("lost-update", """
        async def main():
            task = asyncio.create_task(asyncio.to_thread(bump))
            await asyncio.sleep(0)
            bump()
            await task
        asyncio.run(main())
        """),
    "loops in two threads": ("lost-update", """
        async def main():
            bump()
        threads = [threading.Thread(target=lambda: asyncio.run(main())) for _ in range(2)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        """),
    "sleeping long enough": ("order-violation", """
        async def main():
            task = asyncio.create_task(asyncio.to_thread(bump))
            await asyncio.sleep(10)
            assert count == 1
            await task
        asyncio.run(main())
        """),
    "who comes first": ("order-violation", """
        async def main():
            tasks = [asyncio.create_task(asyncio.to_thread(abs, number)) for number in (1, 2)]
            for task in asyncio.as_completed(tasks):
                assert await task == 1
                break
            await asyncio.gather(*tasks)
        asyncio.run(main())
        """),
    "a future that a thread sets": ("waits-forever", """
        async def main():
            future = asyncio.get_running_loop().create_future()
            threading.Thread(target=future.set_result, args=(5,)).start()
            await future
        asyncio.run(main())
        """),
    "an event that a thread sets": ("waits-forever", """
        async def main():
            event = asyncio.Event()
            threading.Thread(target=event.set).start()
            await event.wait()
        asyncio.run(main())
        """),
    "stopping from outside": ("waits-forever", """
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever)
        thread.start()
        loop.stop()
        thread.join()
        """),
    "a loop that is closed by then": ("order-violation", """
        started, box = threading.Event(), []
        async def main():
            box.append(asyncio.get_running_loop())
            started.set()
        thread = threading.Thread(target=lambda: asyncio.run(main()))
        thread.start()
        started.wait()
        box[0].call_soon_threadsafe(print)
        thread.join()
        """),
    "waiting for one's own loop": ("waits-forever", """
        async def answer():
            return 42
        async def main():
            loop = asyncio.get_running_loop()
            return asyncio.run_coroutine_threadsafe(answer(), loop).result()
        asyncio.run(main())
        """),
    "the only worker": ("waits-forever", """
        async def main():
            loop = asyncio.get_running_loop()
            loop.set_default_executor(ThreadPoolExecutor(1))
            def outer():
                return asyncio.run_coroutine_threadsafe(asyncio.to_thread(abs, 1), loop).result()
            await asyncio.to_thread(outer)
        asyncio.run(main())
        """),
    "nobody": ("waits-forever", """
        async def main():
            await asyncio.Event().wait()
        asyncio.run(main())
        """),
}  # fmt: skip


@pytest.mark.parametrize("program", CORRECT.values(), ids=CORRECT)
def test_correct_programs(program: str, tmp_path: Path) -> None:
    assert_ok(explored(BEGIN + textwrap.dedent(program), tmp_path))


@pytest.mark.parametrize(("kind", "program"), WRONG.values(), ids=WRONG)
def test_wrong_programs(kind: str, program: str, tmp_path: Path) -> None:
    result = explored(BEGIN + textwrap.dedent(program), tmp_path)
    assert kinds(result) == [kind]
    assert result.complete


def test_tasks_of_a_loop_are_not_interleaved_and_the_report_says_so(tmp_path: Path) -> None:
    program = """
        import asyncio
        async def main():
            await asyncio.gather(asyncio.sleep(1), asyncio.sleep(2))
        asyncio.run(main())
    """
    result = explored(program, tmp_path)
    assert_ok(result)
    assert result.interleavings == 1
    assert any("event loop" in note for note in result.notes)


def test_executions_that_are_given_up_leave_no_messages(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    program = """
        import asyncio, threading
        async def main():
            tasks = [asyncio.create_task(asyncio.to_thread(int)) for _ in range(2)]
            future = asyncio.get_running_loop().create_future()
            threading.Thread(target=future.set_result, args=(5,)).start()
            await asyncio.gather(*tasks, future)
        asyncio.run(main())
    """
    assert kinds(explored(program, tmp_path)) == ["waits-forever"]
    assert capfd.readouterr() == ("", "")


def tasks(number: int) -> Any:
    def program() -> Any:
        order: list[int] = []
        lock = threading.Lock()

        def work(n: int) -> None:
            with lock:
                order.append(n)

        async def main() -> None:
            loop = asyncio.get_running_loop()
            with ThreadPoolExecutor(number) as pool:
                await asyncio.gather(*[loop.run_in_executor(pool, work, n) for n in range(number)])

        asyncio.run(main())
        return tuple(order)

    return program


def test_workers_finish_in_every_order_or_together() -> None:
    explored = explore(tasks(2))
    assert set(explored.results) == {(0, 1), (1, 0)}
    assert explored.executions <= 8


def test_workers_of_a_loop_against_chance() -> None:
    compare_with_chance(tasks(2), 200)


def test_handing_over_against_chance() -> None:
    def program() -> Any:
        seen: list[int] = []

        async def main() -> None:
            loop = asyncio.get_running_loop()
            done = asyncio.Event()

            def hear(number: int) -> None:
                seen.append(number)
                if len(seen) == 2:
                    done.set()

            for number in range(2):
                threading.Thread(target=loop.call_soon_threadsafe, args=(hear, number)).start()
            await done.wait()

        asyncio.run(main())
        return tuple(seen)

    compare_with_chance(program, 200)


def test_asyncio_is_as_before_afterwards() -> None:
    assert shown(lambda: asyncio.run(asyncio.sleep(9))) == []

    async def main() -> Any:
        return await asyncio.to_thread(asyncio.sleep, 0)

    asyncio.run(main()).close()

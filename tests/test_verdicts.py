"""From a script to a verdict: the examples, the known counts, and replay."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from raceproof.exploration import Options, explore, replay
from raceproof.judge.findings import Result
from raceproof.session import Program

EXAMPLES = Path(__file__).parent.parent / "examples"


def quiet(interleavings: int, estimated: float, findings: int) -> None:
    """A progress callback for those who do not want to know."""


def run(script: Path, directory: Path, **options: object) -> Result:
    chosen = Options(replay_dir=str(directory / "replays"), **options)  # type: ignore[arg-type]
    return explore(Program(str(script), None, ()), chosen, quiet)


def write(directory: Path, source: str) -> Path:
    script = directory / "program.py"
    script.write_text(textwrap.dedent(source))
    return script


def kinds(result: Result) -> list[str]:
    return [finding.kind for finding in result.findings]


@pytest.mark.parametrize(
    ("name", "expected", "complete"),
    [
        ("01_pool_counters.py", [], True),
        ("02_account_race.py", ["lost-update"], True),
        ("03_account_lock.py", [], True),
        ("04_self_deadlock.py", ["self-deadlock"], True),
        ("05_rlock.py", [], True),
        ("07_events.py", [], True),
        ("09_barrier.py", [], True),
        ("09b_barrier_starved.py", ["barrier-starved"], True),
    ],
)
def test_examples(name: str, expected: list[str], complete: bool, tmp_path: Path) -> None:
    result = run(EXAMPLES / name, tmp_path)
    assert kinds(result) == expected
    assert result.complete is complete
    assert result.verdict == ("finding" if expected else "ok")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("06_semaphore.py", []),
        ("08_condition_teller.py", ["waits-forever"]),
    ],
)
def test_examples_with_many_orders(name: str, expected: list[str], tmp_path: Path) -> None:
    result = run(EXAMPLES / name, tmp_path, max_interleavings=200)
    assert kinds(result) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("10_counter_race.py", ["lost-update"]),
        ("10b_counter_attribute_race.py", ["lost-update"]),
        ("11_counter_lock.py", []),
    ],
)
def test_long_loops_are_partial(name: str, expected: list[str], tmp_path: Path) -> None:
    result = run(EXAMPLES / name, tmp_path, max_interleavings=3)
    assert kinds(result) == expected
    assert not result.complete
    for finding in result.findings:
        # (How far the serial orders get depends on the time there is.)
        assert all(outcome.lines == ["Counted: 400000"] for outcome in finding.expected)
        assert len(finding.steps) <= 6 or not finding.smallest  # (the same)


def test_the_racy_account_is_explained(tmp_path: Path) -> None:
    result = run(EXAMPLES / "02_account_race.py", tmp_path)
    (finding,) = result.findings
    assert finding.objects == ["BankAccount.balance"]
    assert sorted(finding.threads) == ["withdraw(500)", "withdraw(700)"]
    assert finding.switches == 2
    assert [(step.kind, step.old, step.value) for step in finding.steps] == [
        ("read", "", "1000"),
        ("read", "", "1000"),
        ("read", "", "1000"),
        ("read", "", "1000"),
        ("write", "1000", "300"),
        ("write", "300", "500"),
    ]
    assert finding.advice.primitive == "Lock"
    outcomes = {
        (outcome.serial, tuple(outcome.lines), len(outcome.errors)) for outcome in result.outcomes
    }
    assert (True, ("Final balance: 300",), 1) in outcomes
    assert (True, ("Final balance: 500",), 1) in outcomes
    assert (False, ("Final balance: 300",), 0) in outcomes
    assert (False, ("Final balance: 500",), 0) in outcomes


def test_a_self_deadlock_tells_who_holds_what_since_which_line(tmp_path: Path) -> None:
    result = run(EXAMPLES / "04_self_deadlock.py", tmp_path)
    (finding,) = result.findings
    first = finding.waiting[0]
    assert first.thread == first.holder
    assert first.object == "Lock BankAccount.lock"
    assert first.taken is not None
    assert first.taken.text == "with self.lock:"
    assert finding.advice.primitive == "RLock"


COUNTER = """
    import threading

    class Counter:
        def __init__(self):
            self.value = 0
            self.lock = threading.Lock()

    counter = Counter()
    total = 0
    lock = threading.Lock()

    def on_instance():
        for _ in range({increments}):
            {instance_with}
                counter.value += 1

    def on_module():
        global total
        for _ in range({increments}):
            {module_with}
                total += 1

    threads = [threading.Thread(target={target}) for _ in range({threads})]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(counter.value, total)
"""


@pytest.mark.parametrize("target", ["on_instance", "on_module"])
@pytest.mark.parametrize(
    ("threads", "increments", "locked", "classes"),
    [
        (2, 1, False, 4),
        (2, 2, False, 34),
        (3, 1, False, 36),
        (2, 1, True, 2),
        (2, 2, True, 6),
        (3, 2, True, 90),
        (3, 3, True, 1680),
    ],
)
def test_counts_of_scripts(
    threads: int, increments: int, locked: bool, classes: int, target: str, tmp_path: Path
) -> None:
    source = COUNTER.format(
        threads=threads,
        increments=increments,
        target=target,
        instance_with="with counter.lock:" if locked else "if True:",
        module_with="with lock:" if locked else "if True:",
    )
    result = run(write(tmp_path, source), tmp_path, keep_going=True, max_seconds=60.0)
    assert result.complete
    assert result.interleavings == classes
    assert result.estimated == classes
    assert kinds(result) == ([] if locked else ["lost-update"])


@pytest.mark.parametrize(
    "name", ["02_account_race.py", "04_self_deadlock.py", "10_counter_race.py"]
)
def test_replay_reproduces_every_time(name: str, tmp_path: Path) -> None:
    result = run(EXAMPLES / name, tmp_path, max_interleavings=3)
    for finding in result.findings:
        for _ in range(3):
            again = replay(finding.replay)
            assert again.reproduced, again.message


def test_replay_survives_an_edit_elsewhere_and_notices_a_mend(tmp_path: Path) -> None:
    racy = (EXAMPLES / "02_account_race.py").read_text()
    script = tmp_path / "account.py"
    script.write_text(racy)
    result = run(script, tmp_path)
    script.write_text("# a comment\n\n" + racy)
    assert replay(result.findings[0].replay).reproduced
    mended = racy.replace(
        "        if self.balance >=", "        with lock:\n         if self.balance >="
    )
    mended = mended.replace("            new_balance", "             new_balance")
    mended = mended.replace("            time.sleep(0.1)", "             time.sleep(0.1)")
    mended = mended.replace("            self.balance = new", "             self.balance = new")
    mended = mended.replace("        else:", "         else:")
    mended = mended.replace(
        "import time\n", "import threading\nimport time\nlock = threading.Lock()\n"
    )
    script.write_text(mended)
    compile(mended, "account.py", "exec")
    again = replay(result.findings[0].replay)
    assert not again.reproduced
    assert "not seen this time" in again.message


def test_a_program_that_always_fails_has_no_race(tmp_path: Path) -> None:
    script = write(
        tmp_path,
        """
        import threading
        threading.Thread(target=print).start()
        raise ValueError("always")
        """,
    )
    result = run(script, tmp_path)
    assert kinds(result) == ["failure"]
    assert "ValueError: always" in result.findings[0].message
    assert 'raise ValueError("always")' in result.findings[0].traceback


def test_a_failure_in_some_serial_orders_is_an_order_violation(tmp_path: Path) -> None:
    script = write(
        tmp_path,
        """
        import threading
        data = []
        lock = threading.Lock()
        def produce():
            with lock:
                data.append(1)
        def consume():
            with lock:
                data.pop()
        for body in (produce, consume):
            threading.Thread(target=body).start()
        """,
    )
    assert kinds(run(script, tmp_path)) == ["order-violation"]


def test_several_serial_outcomes_are_no_finding(tmp_path: Path) -> None:
    script = write(
        tmp_path,
        """
        import threading
        winner = []
        lock = threading.Lock()
        def claim(name):
            with lock:
                if not winner:
                    winner.append(name)
        threads = [threading.Thread(target=claim, args=(name,)) for name in "ab"]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        print(winner)
        """,
    )
    result = run(script, tmp_path)
    assert result.verdict == "ok"
    assert len(result.outcomes) == 2
    assert any("depends on the order" in note for note in result.notes)


def test_a_script_without_threads_says_so(tmp_path: Path) -> None:
    result = run(write(tmp_path, "print('hello')\n"), tmp_path)
    assert result.verdict == "ok"
    assert "no threads were started: nothing to explore" in result.notes


def test_opposite_lock_orders_deadlock(tmp_path: Path) -> None:
    script = write(
        tmp_path,
        """
        import threading
        left, right = threading.Lock(), threading.Lock()
        def forth():
            with left:
                with right:
                    pass
        def back():
            with right:
                with left:
                    pass
        threads = [threading.Thread(target=f) for f in (forth, back)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        """,
    )
    result = run(script, tmp_path)
    assert kinds(result) == ["deadlock"]
    assert {entry.holder for entry in result.findings[0].waiting[:2]} == {"forth()", "back()"}


def test_spin_loops_end(tmp_path: Path) -> None:
    script = write(
        tmp_path,
        """
        import threading, time
        ready = False
        def wait():
            while not ready:
                time.sleep(0.01)
            print("seen")
        thread = threading.Thread(target=wait)
        thread.start()
        ready = True
        thread.join()
        """,
    )
    result = run(script, tmp_path)
    assert result.verdict == "ok"
    assert result.complete


def test_a_spin_that_nobody_ends_is_a_livelock(tmp_path: Path) -> None:
    script = write(
        tmp_path,
        """
        import threading
        ready = False
        def wait():
            while not ready:
                pass
        threading.Thread(target=wait).start()
        if False:
            ready = True
        """,
    )
    assert kinds(run(script, tmp_path)) == ["livelock"]


def test_an_identity_as_a_key_is_the_same_key_every_time(tmp_path: Path) -> None:
    script = write(
        tmp_path,
        """
        import threading

        class Sender:
            pass

        sender = Sender()
        connections = {}

        def connect(receiver):
            if id(sender) not in connections:
                connections[id(sender)] = []
            connections[id(sender)].append(receiver)

        threads = [threading.Thread(target=connect, args=(name,)) for name in "ab"]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        assert len(connections[id(sender)]) == 2
        """,
    )
    result = run(script, tmp_path)
    assert result.complete
    assert kinds(result) == ["check-then-act"]


def test_what_a_program_writes_to_a_file_does_not_outlive_the_execution(tmp_path: Path) -> None:
    script = write(
        tmp_path,
        f"""
        import threading

        path = {str(tmp_path / "log")!r}
        turn = 0

        def log(name):
            global turn
            turn = name
            with open(path, "a") as stream:
                stream.write(f"{{turn}}\\n")

        threads = [threading.Thread(target=log, args=(name,)) for name in "ab"]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        print(len(open(path).readlines()))
        """,
    )
    result = run(script, tmp_path)
    assert (result.verdict, result.complete) == ("ok", True)
    assert [outcome.lines for outcome in result.outcomes] == [["2"]]
    assert any("put back" in note for note in result.notes)
    assert not (tmp_path / "log").exists()


def test_of_several_pairs_that_decide_the_one_shown_names_the_mistake(tmp_path: Path) -> None:
    source = """\
        import threading

        free, used = ["connection"], set()

        def work():
            if free:
                connection = free.pop()
                used.add(connection)
                used.remove(connection)
                free.append(connection)

        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        """
    result = run(write(tmp_path, source), tmp_path)
    # (The second pop also comes before the first append, which is the other way to mend it.)
    assert [(finding.code, finding.kind) for finding in result.findings] == [
        ("RP102", "check-then-act")
    ]
    pair = result.findings[0].pair
    assert pair is not None
    assert (pair.first.place.line, pair.second.place.line) == (6, 7)

"""Programs that write files: every execution finds what the first one found, races are seen."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import pytest

from raceproof.exploration import Options, explore, replay
from raceproof.judge.findings import Result
from raceproof.session import Program
from raceproof.world.databases import connector

THREADS = """
    threads = [threading.Thread(target=work, args=(n,)) for n in range(2)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
"""


@pytest.fixture(autouse=True)
def _in_a_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(source: str, at_end: str = "") -> Result:
    script = Path("program.py")
    parts = ("import os, threading", source, THREADS, at_end)
    script.write_text("\n".join(map(textwrap.dedent, parts)), encoding="utf-8")
    return explore(Program(str(script), None), Options(), lambda *_: None)


def kinds(result: Result) -> list[str]:
    return [finding.kind for finding in result.findings]


def left() -> set[str]:
    return {path.name for path in Path().iterdir()} - {"program.py", ".raceproof"}


COUNTER = """
    with open("counter", "w") as stream: stream.write("0")
    lock = threading.Lock()
    def work(n):
        {guard}
            with open("counter") as stream: value = int(stream.read())
            with open("counter", "w") as stream: stream.write(str(value + 1))
"""


def test_a_counter_in_a_file() -> None:
    racy = run(COUNTER.format(guard="if True:"), "assert open('counter').read() == '2'")
    assert kinds(racy) == ["check-then-act"]
    assert racy.findings[0].objects == ["'counter'"]
    assert racy.complete
    assert left() == set()
    assert replay(racy.findings[0].replay).reproduced
    locked = run(COUNTER.format(guard="with lock:"), "assert open('counter').read() == '2'")
    assert locked.findings == []
    assert locked.complete
    assert locked.interleavings == 2


def test_the_note_names_the_files() -> None:
    result = run("def work(n): open(f'out{n}', 'w').write('x')")
    assert result.complete
    assert result.notes == [
        "the program writes files (out0, out1): they were put back after each execution"
    ]
    assert left() == set()


def test_a_file_that_was_there_before_is_there_afterwards() -> None:
    Path("runs").write_text("old\n")
    result = run(
        "def work(n): open('runs', 'a').write(f'{n}\\n')",
        "print(len(open('runs').readlines()), os.path.getsize('runs'))",
    )
    assert [outcome.lines for outcome in result.outcomes] == [["3 8"]]
    assert result.complete
    assert Path("runs").read_text() == "old\n"


def test_a_program_that_asks_whether_it_ran_before() -> None:
    source = """
        first = not os.path.exists("flag")
        open("flag", "w").close()
        lock = threading.Lock()
        def work(n):
            with lock: print(first)
    """
    result = run(source)
    assert result.complete
    assert [outcome.lines for outcome in result.outcomes] == [["True", "True"]]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("if not os.path.isdir('made'): os.mkdir('made')", ["check-then-act"]),
        ("os.makedirs('made', exist_ok=True)", []),
        ("if os.path.exists('there'): os.remove('there')", ["check-then-act"]),
        ("if 'there' in os.listdir(): os.rename('there', 'elsewhere')", ["check-then-act"]),
        ("if not os.path.exists('new'): open('new', 'x').close()", ["check-then-act"]),
        ("open(f'{n}', 'w').close(); os.replace(f'{n}', 'done')", []),
        ("open('log', 'a').write('line\\n')", []),
    ],
)
def test_looking_and_then_acting(body: str, expected: list[str]) -> None:
    Path("there").write_text("x")
    result = run(f"def work(n):\n    {body}")
    assert kinds(result) == expected
    assert result.complete
    assert left() == {"there"}


def test_appending_to_a_log_takes_no_further_orders() -> None:
    result = run("def work(n):\n    for i in range(3): open('log', 'a').write('line\\n')")
    assert result.complete
    assert result.interleavings == 1


@pytest.mark.skipif(sys.platform == "win32", reason="the shell of POSIX")
def test_files_of_other_processes_are_told_but_left() -> None:
    result = run("import subprocess\ndef work(n): pass", "subprocess.run(['touch', 'elsewhere'])")
    (note,) = result.notes
    assert "written from C or by other processes (elsewhere)" in note
    assert left() == {"elsewhere"}


def test_a_database_in_a_file_is_put_back() -> None:
    source = """
        import sqlite3
        def work(n):
            with sqlite3.connect("data") as db:
                db.execute("create table if not exists t (n integer)")
                db.execute("insert into t values (?)", (n,))
    """
    result = run(source, "print(*sqlite3.connect('data').execute('select count(*) from t'))")
    assert [outcome.lines for outcome in result.outcomes] == [["(2,)"]]
    assert left() == set()


def test_a_database_module_that_was_imported_in_an_earlier_exploration(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import _sqlite3
    import sqlite3

    stale = connector(_sqlite3, lambda file: None)
    for module in (sqlite3, sqlite3.dbapi2):
        monkeypatch.setattr(module, "connect", stale)
    source = """
        import sqlite3
        def work(n):
            with sqlite3.connect("data") as db:
                db.execute("create table if not exists t (n integer)")
    """
    run(source)
    assert left() == set()
    assert sqlite3.connect is _sqlite3.connect


@pytest.mark.parametrize("safe", [False, True])
def test_a_database_in_memory(safe: bool) -> None:
    source = """
        import contextlib, sqlite3
        db = sqlite3.connect(":memory:", check_same_thread=False)
        db.execute("create table t (n integer)"); db.execute("insert into t values (0)")
        lock = threading.Lock() if SAFE else contextlib.nullcontext()
        def work(n):
            with lock:
                (value,) = db.execute("select n from t").fetchone()
                db.execute("update t set n = ?", (value + 1,))
    """.replace("SAFE", str(safe))
    result = run(source, "assert db.execute('select n from t').fetchone() == (2,)")
    assert kinds(result) == ([] if safe else ["check-then-act"])
    assert [finding.code for finding in result.findings] == ([] if safe else ["RP102"])
    assert not any(step.missing for finding in result.findings for step in finding.steps)


def test_a_connection_belongs_to_its_thread() -> None:
    source = """
        import sqlite3
        db = sqlite3.connect(":memory:")
        def work(n):
            try:
                db.execute("create table t (n integer)")
            except sqlite3.ProgrammingError as error:
                print(str(error).partition(".")[0])
            own = sqlite3.connect(":memory:")
            print(*own.execute("select 1").fetchall(), type(own).__name__)
    """
    result = run(source)
    message = "SQLite objects created in a thread can only be used in that same thread"
    assert [sorted(outcome.lines) for outcome in result.outcomes] == [
        ["(1,) Connection"] * 2 + [message] * 2
    ]


def test_temporary_files() -> None:
    source = """
        import tempfile
        names = []
        def work(n):
            with tempfile.TemporaryDirectory() as directory:
                path = os.path.join(directory, "file")
                with open(path, "w") as stream: stream.write("x")
                with tempfile.NamedTemporaryFile(dir=directory) as stream:
                    names.append(os.path.basename(stream.name))
                print(len(os.listdir(directory)))
            print(os.path.exists(directory))
    """
    result = run(source, "print(*sorted(names))")
    assert result.complete
    (outcome,) = result.outcomes
    assert outcome.lines[:4] == ["1", "False"] * 2
    assert result.notes == []

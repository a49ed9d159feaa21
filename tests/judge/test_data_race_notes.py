"""Data races that make no difference are told in a line; those that do are findings."""

from __future__ import annotations

from pathlib import Path

from gallery.gallery import explored, report

DOUBLE_CHECKED = """
import threading


class Service:
    instance = None
    lock = threading.Lock()

    @classmethod
    def get(cls):
        if cls.instance is None:
            with cls.lock:
                if cls.instance is None:
                    cls.instance = object()
        return cls.instance


seen = []
threads = [threading.Thread(target=lambda: seen.append(Service.get())) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert seen[0] is seen[1]
"""

LOCKED = """
import threading

lock = threading.Lock()
total = 0


def add():
    global total
    with lock:
        total += 1


threads = [threading.Thread(target=add) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(total)
"""

APPENDED = """
import threading

found = []
threads = [threading.Thread(target=found.append, args=(n,)) for n in range(2)]
threads = [threading.Thread(target=lambda n=n: found.append(n)) for n in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(sorted(found))
"""


def test_a_race_that_makes_no_difference_is_a_note(tmp_path: Path) -> None:
    result = explored(DOUBLE_CHECKED, "service", tmp_path)
    assert result.verdict == "ok"
    race = result.data_races[0]
    assert race.object == "Service.instance"
    assert {race.first.kind, race.second.kind} == {"read", "write"}
    assert race.both_ways
    write = race.first if race.first.kind == "write" else race.second
    assert write.held == ("Service.lock",)
    assert write.old == "None"
    text = report(result)
    assert "data race on Service.instance" in text
    assert f"benign in all {result.interleavings}" in " ".join(text.split())


def test_what_a_lock_orders_is_no_data_race(tmp_path: Path) -> None:
    assert explored(LOCKED, "locked", tmp_path).data_races == []


def test_single_indivisible_steps_are_no_data_race(tmp_path: Path) -> None:
    assert explored(APPENDED, "appended", tmp_path).data_races == []


def test_a_race_that_matters_is_a_finding_and_no_note(tmp_path: Path) -> None:
    racy = LOCKED.replace("    with lock:\n        total += 1", "    total += 1")
    result = explored(racy, "racy", tmp_path)
    (finding,) = result.findings
    assert finding.pair is not None
    assert finding.pair.data_race
    assert (finding.pair.first.object, finding.pair.second.object) == ("total", "total")
    assert result.data_races == []
    assert "benign" not in report(result)

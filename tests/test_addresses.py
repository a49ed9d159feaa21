"""Programs that put objects in the order of their addresses do the same in every execution."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from carriers import CARRIERS

from raceproof.exploration import Options, explore
from raceproof.judge.findings import Result
from raceproof.session import Program

TRANSFERS = """
    import threading

    class Account:
        def __init__(self, balance):
            self.balance = balance
            self.lock = threading.Lock()

    def transfer(source, target):
        ORDER
        with first.lock, second.lock:
            source.balance -= 1
            target.balance += 1

    a, b = Account(5), Account(5)
    threads = [threading.Thread(target=transfer, args=pair) for pair in ((a, b), (b, a))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (a.balance, b.balance) == (5, 5)
"""
ORDERS = {
    "compared": "first, second = (source, target) if id(source) < id(target) else (target, source)",
    "locks compared": "first, second = (source, target) if id(source.lock) > id(target.lock) "
    "else (target, source)",
    "sorted": "first, second = sorted((source, target), key=id)",
    "sorted in place": "both = [source, target]; both.sort(key=id); first, second = both",
    "least and greatest": "first = min(source, target, key=lambda account: id(account)); "
    "second = max(source, target, key=lambda account: id(account))",
}


def explored(directory: Path, order: str, threads: str = "auto") -> Result:
    script = directory / "program.py"
    script.write_text(textwrap.dedent(TRANSFERS.replace("ORDER", order)), encoding="utf-8")
    options = Options(replay_dir=str(directory), threads=threads, keep_going=True)
    return explore(Program(str(script), None, ()), options, lambda *_: None)


@pytest.mark.parametrize("threads", CARRIERS)
@pytest.mark.parametrize("order", ORDERS)
def test_locks_taken_in_the_order_of_addresses(order: str, threads: str, tmp_path: Path) -> None:
    result = explored(tmp_path, ORDERS[order], threads)
    assert (result.verdict, result.complete) == ("ok", True)


def test_locks_taken_in_any_order(tmp_path: Path) -> None:
    result = explored(tmp_path, "first, second = source, target")
    assert [finding.code for finding in result.findings] == ["RP302"]

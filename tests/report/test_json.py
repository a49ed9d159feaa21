"""The JSON format, version 1."""

from __future__ import annotations

import json

from report import interleavings

from raceproof.judge.findings import Access, DataRace, DecidingPair, OutcomeCount, Result
from raceproof.report.json import to_json


def test_the_fields_of_version_1() -> None:
    result = Result("bank.py", "finding", True, 34, 33.2, 0.0234, "3.13.0", ["bank"], ["requests"])
    result.findings = [interleavings.lost_update(), interleavings.deadlock()]
    result.outcomes = [OutcomeCount("ok", ["Final balance: 300"], [], 30, True)]
    data = json.loads(to_json(result))
    expected = {
        "version": 1,
        "verdict": "finding",
        "complete": True,
        "interleavings": 34,
        "estimated": 34,
        "seconds": 0.023,
        "python": "3.13.0",
        "watched": ["bank"],
        "unwatched": ["requests"],
        "outcomes": [
            {
                "count": 30,
                "serial": True,
                "exit": "ok",
                "lines": ["Final balance: 300"],
                "errors": [],
                "value": "",
            }
        ],
    }
    assert expected.items() <= data.items()
    finding = data["findings"][0]
    assert finding["kind"] == "lost-update"
    assert finding["where"][0] == {
        "file": "bank.py",
        "line": 11,
        "function": "BankAccount.withdraw",
        "text": "new_balance = self.balance - amount",
    }
    assert finding["objects"] == ["BankAccount.balance"]
    assert finding["threads"] == ["main", "withdraw(500)", "withdraw(700)"]
    assert finding["switches"] == 2
    assert finding["advice"] == {
        "primitive": "Lock",
        "text": "hold one Lock from line 10 to line 13",
    }
    assert finding["replay"] == ".raceproof/bank-1.json"
    assert finding["steps"][3]["key"] is True
    assert finding["expected"][0]["errors"] == ["ValueError: Insufficient balance"]
    waiting = data["findings"][1]["waiting"][0]
    assert (waiting["holder"], waiting["taken"]["line"]) == ("transfer(b, a)", 10)


def test_the_mistake_the_pair_and_the_builds() -> None:
    finding = interleavings.lost_update()
    first = Access("withdraw(500)", "read", "BankAccount.balance", interleavings.COMPUTE, ("log",))
    second = Access(
        "withdraw(700)", "write", "BankAccount.balance", interleavings.STORE, (), "300", "1000"
    )
    passing = OutcomeCount("ok", ["Final balance: 500"], [], 0, True)
    finding.pair = DecidingPair(first, second, True, passing)
    finding.gil, finding.smallest = False, False
    result = Result("bank.py", "finding", True, 34, findings=[finding, interleavings.deadlock()])
    told, other = json.loads(to_json(result))["findings"]
    assert (told["code"], told["name"]) == ("RP101", "lost update")
    assert (told["gil"], told["smallest"]) == (False, False)
    assert (other["gil"], other["smallest"], other["pair"]) == (None, True, None)
    pair = told["pair"]
    assert pair["data_race"] is True
    assert pair["passing"]["lines"] == ["Final balance: 500"]
    assert pair["first"]["held"] == ["log"]
    assert pair["second"] == {
        "thread": "withdraw(700)",
        "kind": "write",
        "object": "BankAccount.balance",
        "place": {
            "file": "bank.py",
            "line": 13,
            "function": "BankAccount.withdraw",
            "text": "self.balance = new_balance",
        },
        "held": [],
        "value": "300",
        "old": "1000",
    }


def test_data_races_that_make_no_difference() -> None:
    read = Access("get()", "read", "instance", interleavings.CHECK)
    write = Access("make()", "write", "instance", interleavings.STORE, ("lock",), "1", "None")
    result = Result("bank.py", "ok", True, 3, data_races=[DataRace("instance", read, write, True)])
    (race,) = json.loads(to_json(result))["data_races"]
    assert (race["object"], race["both_ways"]) == ("instance", True)
    assert (race["first"]["kind"], race["first"]["place"]["line"]) == ("read", 10)
    assert (race["second"]["thread"], race["second"]["held"]) == ("make()", ["lock"])


def test_what_is_unknown_is_null() -> None:
    for estimated in (float("inf"), float("nan"), 0.0):
        result = Result("a.py", "ok", interleavings=5, estimated=estimated)
        assert json.loads(to_json(result))["estimated"] is None


def test_an_estimate_is_never_below_what_was_run() -> None:
    result = Result("a.py", "ok", interleavings=50, estimated=12.7)
    assert json.loads(to_json(result))["estimated"] == 50


def test_any_pipe_can_take_it() -> None:
    result = Result("a.py", "ok", outcomes=[OutcomeCount("ok", ["残高 \udc80"], [])])
    assert to_json(result).isascii()
    assert json.loads(to_json(result))["outcomes"][0]["lines"] == ["残高 \udc80"]

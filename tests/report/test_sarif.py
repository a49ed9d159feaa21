"""SARIF: what scanners need to show a finding, and what they need to recognise it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from report import interleavings

from raceproof.judge.findings import Finding, Result
from raceproof.report.sarif import to_sarif


def run_of(*findings: Finding, **fields: Any) -> dict[str, Any]:
    result = Result("bank.py", "finding", True, 34, **fields)
    result.findings = list(findings)
    log = json.loads(to_sarif(result, "1.2.3"))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    return dict(run)


def test_each_result_has_a_rule_that_is_listed_once() -> None:
    finding = interleavings.lost_update()
    run = run_of(finding, interleavings.deadlock(), finding)
    rules = run["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules) == 2
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]


def test_there_is_a_thread_flow_for_each_thread_that_does_something() -> None:
    (result,) = run_of(interleavings.lost_update())["results"]
    flows = result["codeFlows"][0]["threadFlows"]
    assert [flow["id"] for flow in flows] == ["main", "withdraw(500)", "withdraw(700)"]


def test_the_execution_order_over_all_threads_is_that_of_the_steps() -> None:
    finding = interleavings.lost_update()
    (result,) = run_of(finding)["results"]
    steps = sorted(
        (location["executionOrder"], flow["id"])
        for flow in result["codeFlows"][0]["threadFlows"]
        for location in flow["locations"]
    )
    assert [thread for _, thread in steps] == [step.thread for step in finding.steps]
    assert len({order for order, _ in steps}) == len(steps)


def test_steps_carry_the_values_and_the_deciding_ones_are_essential() -> None:
    (result,) = run_of(interleavings.lost_update())["results"]
    last = result["codeFlows"][0]["threadFlows"][1]["locations"][-1]
    assert last["state"] == {"BankAccount.balance": {"text": "500"}}
    assert last["importance"] == "essential"
    assert (
        last["location"]["message"]["text"]
        == "withdraw(500) writes BankAccount.balance: 300 -> 500"
    )


def test_paths_are_relative_to_where_raceproof_was_run(tmp_path: Path) -> None:
    inside = interleavings.lost_update()
    outside = interleavings.lost_update()
    outside.where = [replace(outside.where[0], file=str(tmp_path / "a b.py"))]
    one, other = run_of(inside, outside)["results"]

    def artifact(result: dict[str, Any]) -> Any:
        return result["locations"][0]["physicalLocation"]["artifactLocation"]

    assert artifact(one) == {"uri": "bank.py", "uriBaseId": "SRCROOT"}
    assert artifact(other)["uri"].startswith("file:///")
    assert artifact(other)["uri"].endswith("/a%20b.py")


def test_the_fingerprint_does_not_depend_on_the_lines() -> None:
    finding = interleavings.lost_update()
    moved = interleavings.lost_update()
    moved.where = [replace(place, line=place.line + 7) for place in moved.where]
    another = interleavings.lost_update()
    another.objects = ["BankAccount.owner"]
    one, same, different = run_of(finding, moved, another)["results"]
    assert one["partialFingerprints"] == same["partialFingerprints"]
    assert one["partialFingerprints"] != different["partialFingerprints"]


def test_what_could_not_be_explored_is_told_by_the_invocation() -> None:
    run = run_of(error="it does not parse", notes=["a note"])
    run["invocations"][0].pop("executionSuccessful")
    texts = [
        told["message"]["text"] for told in run["invocations"][0]["toolExecutionNotifications"]
    ]
    assert texts == ["it does not parse", "a note"]
    assert run["results"] == []


def test_a_program_that_could_not_be_explored_was_no_success() -> None:
    log = json.loads(to_sarif(Result("bank.py", "error", error="it does not parse"), "1.2.3"))
    assert log["runs"][0]["invocations"][0]["executionSuccessful"] is False


def test_a_finding_of_a_test_is_run_again_by_its_own_command() -> None:
    finding = interleavings.lost_update()
    finding.command = "pytest test_bank.py::test_it --raceproof-replay x.json"
    (result,) = run_of(finding)["results"]
    assert result["properties"]["replay"] == finding.command
    assert result["message"]["text"].endswith(f"Replay: {finding.command}")


def test_a_rule_says_what_its_mistake_is() -> None:
    named = run_of(interleavings.lost_update())["tool"]["driver"]["rules"][0]
    assert named["fullDescription"]["text"].startswith("A thread overwrites a value")
    nameless = interleavings.lost_update()
    nameless.code, nameless.name, nameless.kind = "", "", "never"
    rule = run_of(nameless)["tool"]["driver"]["rules"][0]
    assert (rule["id"], rule["fullDescription"]["text"]) == ("never", "never.")


def test_a_result_says_on_which_builds_it_happens() -> None:
    found = interleavings.lost_update()
    found.gil = False
    limited, unknown = run_of(found, interleavings.deadlock())["results"]
    assert limited["properties"]["gil"] is False
    assert "Builds: free-threaded ones only" in limited["message"]["text"]
    assert unknown["properties"]["gil"] is None


def test_states_are_those_of_data_and_locks_have_kinds() -> None:
    (result,) = run_of(interleavings.deadlock())["results"]
    flows = result["codeFlows"][0]["threadFlows"]
    taken, waiting = flows[1]["locations"]
    assert "state" not in taken
    assert taken["kinds"] == ["acquire", "lock"]
    assert "kinds" not in waiting
    assert waiting["location"]["message"]["text"] == (
        "transfer(a, b) waits for b.lock, held by transfer(b, a) since line 10"
    )

"""What other tests use, together with threads."""

import logging
import os
import unittest

import ledger
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger import Registry, SafeAccount, together

import raceproof


def deposit_twice(account, amount=1):
    together(lambda: account.deposit(amount), lambda: account.deposit(amount))


def test_tmp_path(tmp_path, function_account):
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("text")
    deposit_twice(function_account)
    assert function_account.balance == 2


def test_monkeypatch(monkeypatch, function_account):
    assert "SAMPLE" not in os.environ
    monkeypatch.setenv("SAMPLE", "1")
    monkeypatch.setattr(ledger, "log", logging.getLogger("other"))
    deposit_twice(function_account)
    assert os.environ["SAMPLE"] == "1"


def test_capsys(capsys, function_account):
    print("once")
    deposit_twice(function_account)
    assert capsys.readouterr().out == "once\n"


def test_caplog(caplog, function_account):
    caplog.set_level(logging.INFO)
    deposit_twice(function_account)
    assert [record.getMessage() for record in caplog.records] == ["deposited 1"] * 2


@pytest.mark.parametrize("amount", [1, 5])
def test_parametrize(amount, function_account):
    deposit_twice(function_account, amount)
    assert function_account.balance == 2 * amount


class TestClass:
    def setup_method(self):
        self.account = SafeAccount()

    def teardown_method(self):
        assert self.account.balance == 2

    def test_method(self):
        deposit_twice(self.account)


class TestUnittest(unittest.TestCase):
    def setUp(self):
        self.account = SafeAccount(10)

    def test_method(self):
        deposit_twice(self.account)
        self.assertEqual(self.account.balance, 12)

    def test_skipped(self):
        deposit_twice(self.account)
        self.skipTest("not here")


def test_mocker(mocker, function_account):
    spy = mocker.patch.object(ledger.log, "info")
    deposit_twice(function_account)
    assert spy.call_count == 2


@settings(max_examples=5, database=None)
@given(amounts=st.lists(st.integers(1, 9), min_size=2, max_size=2))
def test_given(amounts):
    account = SafeAccount()
    together(*[lambda amount=amount: account.deposit(amount) for amount in amounts])
    assert account.balance == sum(amounts)


@pytest.mark.timeout(60)
def test_timeout(function_account):
    deposit_twice(function_account)


@pytest.mark.slow
def test_state_of_a_module():
    together(lambda: Registry.get().add("a"), lambda: Registry.get().add("b"))
    assert sorted(Registry.get().names) == ["a", "b"]


def test_state_of_a_module_again():
    together(lambda: Registry.get().add("a"))


@pytest.mark.xfail(strict=True)
@raceproof.explore()
def test_expected_failure():
    account = ledger.Account()
    deposit_twice(account)
    assert account.balance == 2

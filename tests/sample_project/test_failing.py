"""What raceproof finds."""

import pytest
from ledger import Account, SafeAccount, together, transfer

import raceproof


@pytest.mark.raceproof(max_interleavings=50)
def test_lost_update():
    account = Account()
    print("printed once")
    together(lambda: account.deposit(1), lambda: account.deposit(2))
    assert account.balance == 3


@raceproof.explore(first=True)
def test_deadlock(tmp_path):
    one, other = SafeAccount(1), SafeAccount(1)
    together(lambda: transfer(one, other), lambda: transfer(other, one))
    assert one.balance == 1

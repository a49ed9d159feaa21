"""Function-scoped fixtures are new in every interleaving, the others are not."""

from ledger import together


class TestScopes:
    def test_every_scope(
        self, session_account, package_account, module_account, class_account, function_account
    ):
        accounts = [session_account, package_account, module_account, class_account]
        before = [account.balance for account in accounts]
        together(
            lambda: [account.deposit(1) for account in [*accounts, function_account]],
            lambda: [account.deposit(2) for account in [*accounts, function_account]],
        )
        assert [account.balance for account in accounts] == [balance + 3 for balance in before]
        assert function_account.balance == 3


def test_no_threads(function_account, session_account):
    function_account.deposit(1)
    assert function_account.balance == 1

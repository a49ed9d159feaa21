"""A fixture of every scope; each notes when it is set up and torn down."""

import os
from pathlib import Path

import pytest
from ledger import SafeAccount


def note(text):
    with Path(os.environ["SAMPLE_LOG"]).open("a") as stream:
        stream.write(text + "\n")


def fixture(scope):
    @pytest.fixture(scope=scope, name=f"{scope}_account")
    def account():
        note(f"set up {scope}")
        yield SafeAccount()
        note(f"tear down {scope}")

    return account


session_account = fixture("session")
package_account = fixture("package")
module_account = fixture("module")
class_account = fixture("class")
function_account = fixture("function")

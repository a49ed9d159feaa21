"""A fixture of every scope; each notes when it is set up and torn down."""

import os
import sys
from pathlib import Path

import pytest
from ledger import SafeAccount

# Raceproof must neither put the notes back, as it does with files and globals, nor see them grow.
sys.notes_of_sample = []
note = sys.notes_of_sample.append


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


def pytest_unconfigure():
    Path(os.environ["SAMPLE_LOG"]).write_text("\n".join(sys.notes_of_sample))

"""However a thread was made: what it does wrong is found, and what it does right is left alone."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from exploring import assert_ok, explored, kinds

CORRECT = {
    "an excepthook that is prepared": """
        import threading
        seen, lock = [], threading.Lock()
        def hook(args):
            with lock:
                seen.append((args.exc_type.__name__, args.thread.name))
        threading.excepthook = hook
        def fail(): raise ValueError("x")
        threads = [threading.Thread(target=fail, name=name) for name in "ab"]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        assert sorted(seen) == [("ValueError", "a"), ("ValueError", "b")]
        """,
}

WRONG = {
    "an excepthook that counts": ("lost-update", """
        import threading
        errors = 0
        def hook(args):
            global errors
            errors += 1
        threading.excepthook = hook
        def fail(): raise ValueError("x")
        threads = [threading.Thread(target=fail) for _ in range(2)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        """),
    "an exception that comes in some orders, and a hook": ("order-violation", """
        import threading
        threading.excepthook = lambda args: None
        data = []
        thread = threading.Thread(target=lambda: data[0])
        thread.start()
        data.append(1)
        thread.join()
        """),
    "no excepthook": ("failure", """
        import threading
        def fail(): raise ValueError("x")
        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
        """),
}  # fmt: skip


@pytest.mark.parametrize("program", CORRECT.values(), ids=CORRECT)
def test_correct_programs(program: str, tmp_path: Path) -> None:
    assert_ok(explored(textwrap.dedent(program), tmp_path))


@pytest.mark.parametrize(("kind", "program"), WRONG.values(), ids=WRONG)
def test_wrong_programs(kind: str, program: str, tmp_path: Path) -> None:
    result = explored(textwrap.dedent(program), tmp_path)
    assert kinds(result) == [kind]
    assert result.complete

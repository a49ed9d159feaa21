"""Generated programs that use the whole language do the same rewritten as they do plain: they
print the same, fail with the same tracebacks, and leave the same names behind.

`benchmarks/generated_programs.py` runs any number of them.
"""

from __future__ import annotations

import pytest
from instrument.generated import comparison
from instrument.generated.author import program

TESTS = 30
PROGRAMS_PER_TEST = 10
FOLLOWED = 5
"""Every fifth program is also followed line by line."""


@pytest.mark.parametrize("number", range(TESTS))
def test_generated_program_does_the_same(number: int) -> None:
    for seed in range(number * PROGRAMS_PER_TEST, (number + 1) * PROGRAMS_PER_TEST):
        source = program(seed)
        comparison.give_source(source)
        plain = comparison.plain(source)
        assert plain.is_telling, seed
        for seen in (comparison.rewritten(source), comparison.executed(source)):
            assert seen == plain or plain.fails_otherwise(seen), seed
        if seed % FOLLOWED == 0:
            followed = comparison.rewritten_followed(source)
            assert followed == comparison.plain_followed(source), seed

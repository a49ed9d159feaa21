"""Which of the faults found can happen on an interpreter with a GIL: looked for among its own
interleavings.

A fault that was seen in an interleaving with switches that such an interpreter cannot make may come
up in another one without; so those that it can make are run, as long as there is time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from raceproof.judge.judge import Judge, Suspect
from raceproof.judge.torn_steps import is_torn
from raceproof.search.dpor import Dpor
from raceproof.session import Session
from raceproof.world.execution import Execution
from raceproof.world.whole_steps import expand

GOOD_ENDS = ("finished", "exit", "stuck", "redundant")


class WithGil:
    """Answers for one program; the search proper must be over when it looks for faults."""

    def __init__(self, session: Session, judge: Judge) -> None:
        self._session = session
        self._judge = judge

    def can_run(self, execution: Execution) -> bool:
        """Whether an interpreter with a GIL can produce an execution, exactly as it is."""
        return not is_torn(execution.threads, execution.operations, self._session.is_one_step)

    def look_for(
        self, suspects: Iterable[Suspect], is_spent: Callable[[], bool]
    ) -> dict[tuple[object, ...], bool]:
        """By the signature of a suspect: whether its fault can happen with a GIL.

        Those that are not in there were not seen before the time was over.
        """
        open_ = {suspect.signature: suspect for suspect in suspects}
        found: dict[tuple[object, ...], bool] = {}
        if not open_:
            return found
        search = Dpor()
        complete = False
        while open_ and not is_spent():
            plan = search.next_plan()
            if plan is None:
                complete = True
                break
            run = self._session.run_whole_steps(plan)
            execution = run.execution
            if execution.end not in GOOD_ENDS or execution.truncated:
                break
            search.learn(execution)
            expanded = expand(execution).execution
            for signature, suspect in list(open_.items()):
                if self._judge.shows(suspect, expanded, run.outcome) is not None:
                    found[signature] = True
                    del open_[signature]
        complete = complete and not search.slips
        search.close()
        if complete:
            found.update(dict.fromkeys(open_, False))
        return found

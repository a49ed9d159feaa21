"""An execution run once more with a narrator listening, and what is known about it then.

During a search nothing is written down that a person would want to read.
"""

from __future__ import annotations

from raceproof.events import ThreadId
from raceproof.judge.deadlocks import classify
from raceproof.judge.evidence import Crash, Evidence
from raceproof.judge.findings import Place
from raceproof.judge.judge import Judge
from raceproof.judge.narrate import Narrator
from raceproof.judge.patterns import Triple
from raceproof.judge.source import Source
from raceproof.judge.tracebacks import tracebacks
from raceproof.session import Run, Session
from raceproof.world.execution import Plan
from raceproof.world.record import innermost
from raceproof.world.scheduler import machine


class Teller:
    """Runs schedules of one program and says what happened."""

    def __init__(self, session: Session, judge: Judge) -> None:
        self._session = session
        self._judge = judge
        self._source = Source(session.loader.sources)

    def narrated(self, script: list[ThreadId], echo: bool = False) -> tuple[Run, Narrator]:
        """Run a schedule (and show the output of the program, with `echo`)."""
        loader = self._session.loader
        narrator = Narrator(loader.sites, loader.sources, machine.objects.by_id)
        run = self._session.run(
            Plan(script=list(script), lenient=True, observer=narrator), echo=echo
        )
        narrator.close(run.execution)
        return run, narrator

    def evidence(self, kind: str, run: Run, narrator: Narrator) -> Evidence:
        """What is known about an interleaving by itself."""
        execution = run.execution
        evidence = Evidence(
            kind, execution, run.outcome, narrator, self._source,
            crashes=crashes_of(run, narrator),
            lost=self._judge.lost_updates_in(execution.threads, execution.operations),
            finals={place: place.state for place in narrator.limits},
        )  # fmt: skip
        if execution.end == "stuck":
            evidence.stuck = classify(execution)
            evidence.kind = evidence.stuck.kind
        return evidence

    def tracebacks(self, run: Run, evidence: Evidence) -> str:
        """What the exceptions say that nobody handled."""
        names = {t.name: evidence.who_is(t) for t in run.execution.everyone}
        errors = [(names.get(name, name), error) for name, error in run.record.unhandled()]
        errors += [
            (f"a future that nobody read ({names.get(future.thread, future.thread)})", future.error)
            for future in run.record.unread
        ]
        return tracebacks(errors, self._session.loader.sources)


def changes(triple: Triple, narrator: Narrator) -> bool:
    """Whether the value overwritten differs from the value read: else nothing was lost."""
    told = {one.index: one for one in narrator.story}
    read, write = told[triple.read], told[triple.write]
    return not (read.value and write.old and read.value == write.old)


def crashes_of(run: Run, narrator: Narrator) -> list[Crash]:
    """The exceptions that nobody handled in an execution, and where they came from."""
    threads = {thread.name: thread.tid for thread in run.execution.everyone}
    found = []
    unread = [(future.thread, future.error) for future in run.record.unread]
    for name, error in [*run.record.unhandled(), *unread]:
        file, line, function = innermost(error, narrator.sources)
        text = narrator.line(file, line) if line else ""
        place = Place(file, line, function, text)
        thread = threads.get(name)
        here = narrator.at(place)
        if here and not any(told.thread.tid == thread for told in here):
            # Raised again where it was found: the thread that it comes from was at that line.
            thread = here[-1].thread.tid
        step = narrator.last_of(thread, place)
        found.append(Crash(run.record.text_of(error), thread, place, step))
    return found

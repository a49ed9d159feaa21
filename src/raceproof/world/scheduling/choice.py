"""Who goes on next: whom the plan names, then whoever can; when nobody can, time passes."""

from __future__ import annotations

import sys
from random import Random
from typing import Any, Final

from raceproof.events import ThreadId
from raceproof.world.execution import Departure, VirtualThread
from raceproof.world.fibers import ExecutionAbandoned
from raceproof.world.scheduling.loop_knowledge import LoopKnowledge

FOREVER: Final = sys.maxsize
SHORTEST: Final = 1e-3
"""Seconds that a wait lasts at least before it expires: nobody need look more often than that."""
IN_VAIN: Final = 1_000
LONG: Final = 3_600.0
"""When so many sleeps in a row, and so many seconds, have changed nothing, nothing will."""


def _by_deadline(thread: VirtualThread) -> tuple[float, ThreadId]:
    # Not the order of `live`: that depends on the order in which threads were started.
    return (FOREVER if thread.deadline is None else thread.deadline, thread.tid)


class Choice(LoopKnowledge):
    """Chooses a thread and switches to it."""

    def _hand_over(self, thread: VirtualThread) -> None:
        """Let whoever is to go next go; returns when `thread` is."""
        willingly = self.giving_way or thread.resting
        target = self._choose(thread)
        if target is not thread:
            if (
                not willingly
                and thread.pending.enabled(thread.tid)  # type: ignore[union-attr]
                and not thread.waits_patiently()
            ):
                self.preemptions.append(self.step)
            self.switches += 1
            if self.observer is not None:
                self.observer.on_switch(self.step, thread, target)
            here, there = thread.fiber, target.fiber
            assert here is not None
            assert there is not None
            if here.current() is not here.stack:
                self.conclude(
                    "uncontrolled",
                    f"{thread.name} runs in a greenlet of its own, at {self.where()}: raceproof "
                    "would not find back there, because it has greenlets for threads; use "
                    "--threads os",
                )
            self.current = target
            state = self.thread_state
            if state.active:
                state.leave(thread)
            there.switch()
            if state.active:
                state.enter(thread)
            if self.end:
                raise ExecutionAbandoned

    def _choose(self, thread: VirtualThread) -> VirtualThread:
        """Who performs event `step`.  Sets `limit`: until which event that thread may go on."""
        if self.interrupted:
            self.conclude("interrupted")
        if self.chance is not None:
            self._come_out(self.chance)
        if self.afterlife and (
            self._is_cut_off() or not any(t.pending.enabled(t.tid) for t in self.live.values())  # type: ignore[union-attr]
        ):
            self.conclude("finished")
        if self.truncated:
            return self._choose_unrecorded(thread)
        step = self.step
        if step >= self.max_events:
            self._stop_recording()
            pending = thread.pending
            if pending is not None and pending.enabled(thread.tid) and not thread.resting:
                return thread  # to take the processor away here would be a preemption
            return self._choose_unrecorded(thread)
        script = self.script
        while step < len(script):
            tid = script[step]
            target = self.live.get(tid)
            possible = False
            if target is not None and target.pending is not None:
                possible = target.pending.enabled(tid)
                if not possible and (
                    self._first_idle() is target or self.spinning.has_news(target)
                ):
                    self._expire(target)
                    possible = True
            if possible:
                assert target is not None
                if step < self.known:
                    end = step + 1
                    known = self.known
                    while end < known and script[end] == tid:
                        end += 1
                    self.limit = end
                    return target
                self._enter_unknown(step)
                self.limit = step + 1
                return target
            self._cannot_follow(step, tid, target)
            if step < self.known and not self.plan.lenient:
                self.conclude("diverged")
            self.slips += 1
            del script[step : step + 1 if self.plan.lenient else len(script)]
        if self.plan.stop_after_script:
            self.conclude("stopped")
        self._enter_unknown(step)
        return self._choose_freely(thread)

    def _enter_unknown(self, step: int) -> None:
        """From the first event that is not a repetition on, the sleep set counts."""
        if step == self.known and not self.sleeps:
            self.sleep = dict(self.plan.sleep)
            self.sleeps.append((step, self.sleep))

    def _cannot_follow(self, step: int, tid: ThreadId, thread: VirtualThread | None) -> None:
        """The script has a thread perform event `step` that cannot do so: note the first time."""
        if self.departure is None:
            expected = self.operations[step] if step < self.known else None
            name = next((one.name for one in self.everyone if one.tid == tid), "")
            pending = None if thread is None else thread.pending
            self.departure = Departure(step, name, expected, pending)

    def _is_cut_off(self) -> bool:
        """Whether the daemons have had what they get after the end of the main thread."""
        if self.step < self.afterlife:
            return False
        self.daemons_cut_off = True
        return True

    def _choose_freely(self, thread: VirtualThread) -> VirtualThread:
        sleep = self.sleep
        everyone = self.live.values()
        enabled = [t for t in everyone if not t.resting and t.pending.enabled(t.tid)]  # type: ignore[union-attr]
        if enabled:
            self.vain = 0
            if self.step == self.share_end and (spinner := self.spinning.with_news()):
                # Whoever is running does not stop, perhaps because of the one who spins.
                self._expire(spinner.thread)
                self.limit = self.share_end = self.step + self.quantum
                return spinner.thread
        else:
            # Now time passes.
            due = self._first_idle()
            if due is None or self._sleeps_in_vain(due):
                due = self._give_chance()
                if due is None:
                    self.conclude("stuck")
                self.limit = FOREVER
                return due
            if not due.resting:
                self._expire(due)
                self.limit = self.step + 1
                return due
        awake = [t for t in enabled if t.tid not in sleep] if sleep else enabled
        plan = self.plan
        if not awake:
            awake = [t for t in everyone if t.resting and t.tid not in sleep]
            if not awake:
                self.conclude("redundant")
            awake = [min(awake, key=_by_deadline)]
        elif self.timeouts == "any" and not plan.at_every_event:
            # Waits that could expire now do so when there is nothing else to do.
            busy = [t for t in awake if not t.waits_patiently()]
            if not busy:
                awake += [t for t in everyone if t.resting and t.tid not in sleep]
            awake = busy or [min(awake, key=_by_deadline)]
        if self.mixer is not None and (plan.chooser is None or plan.at_every_event):
            target = self.mixer.choice(awake)
            self.limit = self.step + 1
        elif plan.chooser is not None:
            target = plan.chooser(awake, thread)
            self.limit = self.step + 1 if plan.at_every_event else FOREVER
        elif thread in awake and self.step != self.share_end and not self.giving_way:
            target = thread
            self.limit = self.share_end = self.step + self.quantum
        else:
            # `thread` cannot go on, or has had its share: the next one in line.
            later = [t for t in awake if t.tid > thread.tid]
            target = later[0] if later else awake[0]
            self.limit = self.share_end = self.step + self.quantum
        self.giving_way = False
        if self.limit > self.max_events:
            self.limit = self.max_events
        if self.afterlife and self.limit > self.afterlife:
            self.limit = self.afterlife
        return target

    def _stop_recording(self) -> None:
        """Too many events to think about: let the rest of the program run, unwatched."""
        self.truncated = True
        self.watching = self.recording = False
        self.limit = FOREVER

    def _choose_unrecorded(self, thread: VirtualThread) -> VirtualThread:
        enabled = [
            t
            for t in self.live.values()
            if not t.resting and t.pending.enabled(t.tid)  # type: ignore[union-attr]
        ]
        busy = [t for t in enabled if not t.waits_patiently()]
        if busy:
            self.vain = 0
            return next((t for t in busy if t.tid > thread.tid), busy[0])
        if enabled:
            return min(enabled, key=_by_deadline)
        due = self._first_idle()
        if due is None or self._sleeps_in_vain(due):
            self.conclude("stuck")
        if not due.resting:
            self._expire(due)
        return due

    def _first_idle(self) -> VirtualThread | None:
        """When nobody can go on but threads that rest: who is the first that goes on when time
        passes?  None also when somebody can.
        """
        first: VirtualThread | None = None
        time = 0.0
        for thread in self.live.values():
            assert thread.pending is not None
            if not thread.resting and thread.pending.enabled(thread.tid):
                return None
            due = thread.deadline
            # Not the order of `live`: that depends on the order in which threads were started.
            if due is not None and (
                first is None or due < time or (due == time and thread.tid < first.tid)
            ):
                first, time = thread, due
        return self.spinning.next(first) if self.spinning else first

    def _sleeps_in_vain(self, thread: VirtualThread) -> bool:
        """Whether threads that sleep have long been the only ones to go on, `thread` being next."""
        if not thread.resting or len(self.live) == 1:
            return False
        if not self.vain:
            self.vain_since = thread.clock
        self.vain += 1
        return self.vain > IN_VAIN and thread.clock - self.vain_since > LONG

    def _expire(self, thread: VirtualThread) -> None:
        """End the wait of `thread`, moving the clock to its deadline; a spinner looks again."""
        self.vain = 0
        thread.expired = True
        if thread.deadline is not None:
            self.clock = max(self.clock, thread.deadline)
            thread.clock = max(self.clock, thread.clock + SHORTEST)
            return
        spinner = self.spinning.take(thread)
        if spinner.idle and spinner.news:
            if self.tail is None:
                self.tail = self.step
            self.patient = False
            return
        spinner.retry(self._earliest_deadline())
        if not spinner.idle:
            self.working = spinner.rounds.free
            self.mixer = self.mixer or Random(self.step)

    def give_way(self, finite: bool = False) -> None:
        """The running thread would be as content to go on later: let others go first.

        `finite`: it will go on, and come to an end, so that all it does is seen in the end.

        (Musuvathi and Qadeer, "Fair stateless model checking", PLDI 2008: a thread that yields has
        a lower priority until the others have had their turn.)
        """
        self.fair_only = self.fair_only or not finite
        if self.step >= len(self.script) and len(self.live) > 1:
            self.giving_way = True
            self.limit = self.step

    def prefer_those_at(self, subject: Any) -> None:
        """Threads that wait for this object go first, unless the plan says otherwise."""
        if (
            self.recording
            and self.plan.chooser is None
            and self.step >= len(self.script)
            and any(thread.blocking_subject is subject for thread in self.live.values())
        ):
            self.giving_way = True
            self.limit = self.step

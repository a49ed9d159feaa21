"""`Future._condition`: for those who look at the state of a future, or set it, past its methods.

The futures of the simulated world have no condition inside.  Whoever asks for one gets a lock that
keeps others of his kind out; what he has done to the state becomes an event when he notifies, or
lets the lock go.
"""

from __future__ import annotations

from typing import Any, Final

from raceproof.events import READ, WRITE
from raceproof.world import futures
from raceproof.world.futures import DONE, Model, is_done
from raceproof.world.primitives import timeouts
from raceproof.world.primitives.simulated import operation
from raceproof.world.quiet import QuietLock
from raceproof.world.scheduler import machine

NAME: Final = "_condition"


class FutureCondition:
    """The condition of one future."""

    def __init__(self, future: Any, model: Model) -> None:
        self._future = future
        self._lock = QuietLock(("future", model.shared.name), reentrant=True)
        self.acquire = self._lock.acquire

    def release(self) -> None:
        """Let the lock go."""
        self._settle()
        self._lock.release()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def notify(self, n: int = 1) -> None:
        """Let those go on who wait for what has been done to the future."""
        if not self._lock._is_owned():
            raise RuntimeError("cannot notify on un-acquired lock")
        self._settle()

    def notify_all(self) -> None:
        """Let those go on who wait for what has been done to the future."""
        self.notify()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the future is done, or for `timeout` seconds; whether it is."""
        if not self._lock._is_owned():
            raise RuntimeError("cannot wait on un-acquired lock")
        model = futures.model_of(self._future)
        if model is None or model.known():
            return True
        self.release()
        try:
            waiting = operation(
                model.shared, "wait", (model.done, READ), guards=((model.done, is_done),)
            )
            return machine.sync(waiting, self._future, timeouts.of_wait(timeout))
        finally:
            self.acquire()

    def __repr__(self) -> str:
        return f"<Condition({self._lock!r}, 0)>"

    def _settle(self) -> None:
        """Tell the world what has been done to the future."""
        future = self._future
        model: Model = future._model
        if not model.live or model.seen is future._state:
            return
        if future._state in DONE:
            changing = model.completion("set state")
        else:
            changing = operation(model.shared, "set state", (model.start, WRITE))
        machine.sync(changing, future)
        model.agree(future)
        if future._state in futures.SETTLED:
            for waiter in model.waiters:
                waiter.hear_of(future)


class ConditionOfFuture:
    """The attribute, for as long as a program is explored."""

    def __get__(self, future: Any, owner: type) -> Any:
        if future is None:
            raise AttributeError(f"type object {owner.__name__!r} has no attribute {NAME!r}")
        model = futures.model_of(future)
        if model is None:
            try:
                return future.__dict__[NAME]
            except KeyError:
                raise AttributeError(
                    f"{type(future).__name__!r} object has no attribute {NAME!r}"
                ) from None
        if model.condition is None:
            model.condition = FutureCondition(future, model)
        return model.condition

    def __set__(self, future: Any, condition: Any) -> None:
        future.__dict__[NAME] = condition

"""`logging`: its locks are those of a library, and each execution configures it anew.

Which handlers a logger has is looked at and changed by programs, often by several threads.
"""

from __future__ import annotations

import logging
from typing import Any, Final

from raceproof.events import WRITE, Attribute
from raceproof.world.quiet import QuietLock
from raceproof.world.scheduler import machine
from raceproof.world.unwatched import announce, data_operation, named

PRINTING_HANDLERS: Final = ("StreamHandler", "FileHandler", "NullHandler", "_StderrHandler")
"""Log handlers of the standard library that do nothing but write somewhere."""

_original_create_lock = logging.Handler.createLock


def create_handler_lock(self: Any) -> None:
    kind = type(self)
    printing = kind.__module__ in ("logging", "logging.handlers")
    if not machine.active or not (printing and kind.__name__ in PRINTING_HANDLERS):
        _original_create_lock(self)
        return
    shared = machine.objects.numbered(machine.current.tid, "log handler")
    self.lock = QuietLock(shared.name, reentrant=True)
    register: Any = getattr(logging, "_register_at_fork_reinit_lock", None)
    if register is not None:
        register(self)


_original_add = logging.Logger.addHandler
_original_remove = logging.Logger.removeHandler


def add_handler(self: Any, hdlr: Any) -> None:
    """`Logger.addHandler`."""
    _change_handlers(self)
    _original_add(self, hdlr)


def remove_handler(self: Any, hdlr: Any) -> None:
    """`Logger.removeHandler`."""
    _change_handlers(self)
    _original_remove(self, hdlr)


def _change_handlers(logger: Any) -> None:
    if machine.watching:
        shared = named(logger, "logger")
        place = shared.location(Attribute("handlers"))
        announce(data_operation(shared, "write", ((place, WRITE),)), logger)


HANDLER_METHODS: Final = {"createLock": create_handler_lock}
LOGGER_METHODS: Final = {"addHandler": add_handler, "removeHandler": remove_handler}


class LoggingState:
    """What programs configure in `logging`; each execution starts with what was there before."""

    def __init__(self) -> None:
        root = logging.root
        self._root = (root.handlers[:], root.filters[:], root.level, root.disabled)
        self._loggers = dict(root.manager.loggerDict)
        self._configured = {
            name: (logger.handlers[:], logger.filters[:], logger.level, logger.disabled,
                   logger.propagate)
            for name, logger in self._loggers.items()
            if isinstance(logger, logging.Logger)
        }  # fmt: skip
        known: Any = logging
        self._handlers = (known._handlerList[:], dict(known._handlers))
        self._disabled = root.manager.disable
        self._class = logging.getLoggerClass()

    def restore(self) -> None:
        """Forget what the last execution has configured."""
        root = logging.root
        root.handlers[:], root.filters[:] = self._root[0], self._root[1]
        if root.level != self._root[2]:
            root.setLevel(self._root[2])
        root.disabled = self._root[3]
        root.manager.disable = self._disabled
        handlers_known: Any = logging
        handlers, named_handlers = self._handlers
        if handlers_known._handlerList != handlers:
            handlers_known._handlerList[:] = handlers
            for name in [name for name in handlers_known._handlers if name not in named_handlers]:
                handlers_known._handlers.pop(name, None)
        if logging.getLoggerClass() is not self._class:
            logging.setLoggerClass(self._class)
        known = root.manager.loggerDict
        for name, logger in list(known.items()):
            if not isinstance(logger, logging.Logger):
                continue
            handlers, filters, level, disabled, propagate = self._configured.get(
                name, ([], [], logging.NOTSET, False, True)
            )
            if (logger.handlers, logger.filters) != (handlers, filters):
                logger.handlers[:], logger.filters[:] = handlers, filters
            if logger.level != level:
                logger.setLevel(level)
            logger.disabled, logger.propagate = disabled, propagate

"""Which modules are watched, and how watched code comes to run.

A watched module is executed from rewritten code, anew in every execution; everything else is
imported once and left alone.  Watched is the user's own code: the script, what lies beside it, and
what was asked for by name.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import hashlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
import sysconfig
import types
import warnings
from collections.abc import Callable, Iterator, Sequence
from time import perf_counter
from typing import Any, NamedTuple, TypeAlias

from raceproof.events import Site
from raceproof.instrument.cache import CodeCache, Entry
from raceproof.instrument.modules import ModuleTable
from raceproof.instrument.relocation import provisional, relocated
from raceproof.instrument.rewriting import Rewritten, rewrite
from raceproof.world.scheduler import machine


class Watch:
    """Decides which modules are watched; a module is known by its name and its file."""

    def __init__(
        self, project: str, include: Sequence[str] = (), exclude: Sequence[str] = ()
    ) -> None:
        self.project = os.path.realpath(project)
        self.include = tuple(include)
        self.exclude = tuple(exclude)
        paths = sysconfig.get_paths()
        self._foreign = tuple(
            os.path.realpath(paths[name]) + os.sep
            for name in ("stdlib", "platstdlib", "purelib", "platlib")
        )
        self._answers: dict[str, bool] = {}

    def will_watch(self, module: str) -> bool:
        """Whether `module` is watched when it is imported; nothing is imported to find out."""
        known = self._answers.get(module)
        if known is None:
            top = module.partition(".")[0]
            try:
                spec = importlib.machinery.PathFinder.find_spec(top)
            except (ImportError, ValueError):
                spec = None
            known = spec is not None and self.watches(module, spec.origin)
            self._answers[module] = known
        return known

    def watches(self, module: str, file: str | None) -> bool:
        """Whether the module of this name, loaded from `file`, is watched."""
        if file is None or not file.endswith(".py") or _covered(module, self.exclude):
            return False
        if _covered(module, ("raceproof",)):
            return False
        named = _covered(module, self.include)
        if not named and ("site-packages" in file or file.startswith(self._foreign)):
            return False  # said without asking the file system, since there are hundreds of them
        path = os.path.realpath(file)
        if named:
            return True
        if "site-packages" in path or path.startswith(self._foreign):
            return False
        return path.startswith(self.project + os.sep)


def _covered(module: str, names: Sequence[str]) -> bool:
    return any(module == name or module.startswith(name + ".") for name in names)


class Preparation(NamedTuple):
    """What is done to the syntax tree of a module before it is rewritten."""

    tag: str
    """Changes with everything that `change` depends on, but for the module."""
    change: Callable[[ast.Module], None]


Preparing: TypeAlias = Callable[[str, str, bytes], Preparation | None]
"""`preparing(module, file, source)`, None if nothing is to be done."""


def unprepared(tree: ast.Module) -> None:
    """Nothing is to be done."""


class Loaded(NamedTuple):
    """The watched code of a module."""

    source: bytes
    code: types.CodeType
    first_site: int


class Loader(importlib.abc.MetaPathFinder):
    """Finds and executes watched modules; compiled code and sites are kept for the next time."""

    def __init__(
        self,
        watch: Watch,
        cache: CodeCache | None = None,
        is_kept: Callable[[str], bool] = lambda name: False,
        adapt: Callable[[types.ModuleType], None] = lambda module: None,
    ) -> None:
        """Rewritten code is kept in `cache`, if there is one, for the next process.

        `is_kept` tells modules that are not to be executed a second time; `adapt` is called with
        each watched module once it has been executed.
        """
        self.watch = watch
        self.cache = cache
        self.adapt = adapt
        self._modules = ModuleTable(watch.watches, is_kept)
        self.sites: list[Site] = [Site("", "", 0, "", "", "")]
        self.sources: dict[str, str] = {}
        """File name -> source text of watched files, for reports."""
        self.watched: set[str] = set()
        self.unwatched: set[str] = set()
        self.seconds = 0.0
        """How long rewriting took."""
        self.preparing: Preparing = lambda module, file, source: None
        self._codes: dict[tuple[str, str], Loaded] = {}
        self.tables: dict[Any, Any] = {}
        """What `swapping` knows of the code, kept for the next session."""
        self._staying: set[str] = set()
        """Modules that are the program's and not executed anew."""

    # -- rewriting -------------------------------------------------------------------------------

    def code(self, source: bytes, file: str, module: str) -> types.CodeType:
        """The rewritten code of `module`, whose source is `source`.

        Raises SyntaxError, as Python would, for a source that does not parse.
        """
        found = self._codes.get((file, module))
        if found is None or found.source != source:
            with self._modules.ours():
                found = self._codes[file, module] = self._loaded(source, file, module)
        self.watched.add(module)
        return found.code

    def tree(self, source: bytes, file: str, module: str) -> ast.Module:
        """The syntax tree from which `code` was made."""
        first = self._codes[file, module].first_site
        preparation = self.preparing(module, file, source)
        return self._rewritten(source, file, module, first, self.watch.will_watch, preparation).tree

    def _rewritten(
        self,
        source: bytes,
        file: str,
        module: str,
        first_site: int,
        is_watched: Callable[[str], bool],
        preparation: Preparation | None,
    ) -> Rewritten:
        change = unprepared if preparation is None else preparation.change
        return rewrite(source, file, module, first_site, is_watched=is_watched, prepare=change)

    def _loaded(self, source: bytes, file: str, module: str) -> Loaded:
        digest = hashlib.sha256(source).digest()
        entry = self._entry(source, digest, file, module)
        first, count = len(self.sites), len(entry.sites)
        self.sites.extend(entry.sites)
        self.sources[file] = importlib.util.decode_source(source)
        return Loaded(source, relocated(entry.code, provisional(digest), count, first), first)

    def _entry(self, source: bytes, digest: bytes, file: str, module: str) -> Entry:
        """The module rewritten, now or in an earlier process."""
        key = ""
        preparation = self.preparing(module, file, source)
        if self.cache is not None:
            tag = "" if preparation is None else f" {preparation.tag}"
            key = self.cache.key(digest, file, module + tag)
            entry = self.cache.load(key, file, module)
            if entry is not None and all(
                self.watch.will_watch(name) == answer for name, answer in entry.answers.items()
            ):
                return entry
        answers: dict[str, bool] = {}

        def is_watched(name: str) -> bool:
            answers[name] = answer = self.watch.will_watch(name)
            return answer

        with silent_compiler(), self._preparing():
            rewritten = self._rewritten(
                source, file, module, provisional(digest), is_watched, preparation
            )
            code = compile(rewritten.tree, file, "exec", dont_inherit=True)
        entry = Entry(code, rewritten.sites, answers)
        if self.cache is not None:
            self.cache.store(key, entry)
        return entry

    @contextlib.contextmanager
    def _preparing(self) -> Iterator[None]:
        """What raceproof does for itself in the middle of an execution counts for nothing.

        Rewriting a large package takes longer than a program may keep silent, or may take at all.
        """
        start = perf_counter()
        machine.preparing = True
        try:
            yield
        finally:
            machine.preparing = False
            spent = perf_counter() - start
            self.seconds += spent
            machine.started_at += spent

    # -- importing -------------------------------------------------------------------------------

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: types.ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        """Part of the import protocol: a spec of ours for modules that are watched."""
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is None or not spec.has_location or spec.origin is None:
            return None
        if not self.watch.watches(fullname, spec.origin):
            if "." not in fullname and fullname not in sys.stdlib_module_names:
                self.unwatched.add(fullname)
            return None
        spec.loader = WatchedLoader(fullname, spec.origin, self)
        spec.cached = None
        return spec

    # -- an exploration --------------------------------------------------------------------------

    def install(self, staying: bool = False) -> None:
        """Take over imports; what is there already makes room, unless it is `staying`."""
        sys.meta_path.insert(0, self)
        self._staying = set(sys.modules) if staying else set()
        if not staying:
            self._modules.install()

    def remove(self) -> None:
        """Give imports back."""
        sys.meta_path.remove(self)
        if self.cache is not None:
            self.cache.close()

    def begin(self) -> None:
        """An execution begins: watched modules are executed at their next import."""
        self._modules.begin()

    def end(self) -> None:
        """It is over: raceproof goes on with the modules that it knows."""
        self._modules.end(self.watched, self._staying)

    def has_watched(self, name: str) -> bool:
        """Whether a module of this name, or one in it, was executed."""
        return any(_covered(module, (name,)) for module in self.watched)

    def has_imported(self) -> bool:
        """Whether the execution has imported something that will not be executed again."""
        return self._modules.has_grown(self.watched - self._staying)


class WatchedLoader(importlib.machinery.SourceFileLoader):
    """Loads one watched module like any other source file, but for the code that it runs."""

    def __init__(self, fullname: str, path: str, loader: Loader) -> None:
        super().__init__(fullname, path)
        self._loader = loader

    def get_code(self, fullname: str) -> types.CodeType:
        """The rewritten code."""
        return self._loader.code(_read(self.path), self.path, fullname)

    def exec_module(self, module: types.ModuleType) -> None:
        """Part of the import protocol."""
        super().exec_module(module)
        self._loader.adapt(module)


class Script:
    """A program given as a file, run as `__main__`."""

    def __init__(self, loader: Loader, file: str, arguments: Sequence[str]) -> None:
        self.loader = loader
        self.file = file
        self.arguments = list(arguments)
        self._code = loader.code(_read(file), file, "__main__")

    def run(self) -> None:
        """Execute the script afresh; what it raises passes through."""
        module = types.ModuleType("__main__")
        namespace: dict[str, Any] = module.__dict__
        namespace.update(__file__=self.file, __builtins__=builtins, __cached__=None)
        sys.modules["__main__"] = module
        sys.argv[:] = [self.file, *self.arguments]
        exec(self._code, namespace)


class ModuleScript:
    """A program given as a module name, run as `python -m` would."""

    def __init__(self, loader: Loader, name: str, arguments: Sequence[str]) -> None:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations is not None:
            name = f"{name}.__main__"
            spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
            raise ImportError(f"No module named {name}", name=name)
        self.spec = spec
        self.file = spec.origin
        self.arguments = list(arguments)
        self._code = loader.code(_read(spec.origin), spec.origin, "__main__")

    def run(self) -> None:
        """Execute the module afresh as `__main__`; what it raises passes through."""
        module = types.ModuleType("__main__")
        module.__dict__.update(
            __file__=self.file, __builtins__=builtins, __cached__=None, __spec__=self.spec,
            __package__=self.spec.parent, __loader__=self.spec.loader,
        )  # fmt: skip
        sys.modules["__main__"] = module
        sys.argv[:] = [self.file, *self.arguments]
        exec(self._code, module.__dict__)


@contextlib.contextmanager
def silent_compiler() -> Iterator[None]:
    """What the compiler warns of is not shown, as when a module has been compiled before.

    (`warnings.catch_warnings` would make Python forget which warnings it has shown already.)
    """
    silence: Any = ("ignore", None, Warning, None, 0)
    warnings.filters.insert(0, silence)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        warnings.filters.remove(silence)  # type: ignore[attr-defined]


def _read(file: str) -> bytes:
    with open(file, "rb") as stream:
        return stream.read()

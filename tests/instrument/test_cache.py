"""Rewritten code on disk: found again, never stale, and never worth an error."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from raceproof.events import Site
from raceproof.instrument import cache as caching
from raceproof.instrument import loader as loading
from raceproof.instrument.cache import CodeCache, Entry, default_directory, prune
from raceproof.instrument.loader import Loader, Watch
from raceproof.instrument.relocation import provisional, relocated

SOURCE = b"""\
import helper, json
total = [0]
def add(n, *, big=2305843009213693951):
    global last, total
    last, total = n, total
    def inner(): return [x.n for x in total if x.n > 1000]
    return json.dumps(total), inner, big
def unused(a):
    a.x, a.y = a.y, a.x
"""

needs_owners = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="files have no owner here")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def rewritings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The modules that were really rewritten."""
    done: list[str] = []
    original = loading.rewrite

    def counted(source: bytes, file: str, module: str, *more: Any, **options: Any) -> Any:
        done.append(module)
        return original(source, file, module, *more, **options)

    monkeypatch.setattr(loading, "rewrite", counted)
    return done


def loader(directory: Path, project: str = "/nowhere", settings: tuple[str, ...] = ()) -> Loader:
    return Loader(Watch(project), CodeCache(str(directory), settings))


def entries(directory: Path) -> list[Path]:
    return sorted(directory.iterdir()) if directory.is_dir() else []


def code_objects(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from code_objects(constant)


def test_second_process_does_not_rewrite(directory: Path, rewritings: list[str]) -> None:
    first, second = loader(directory), loader(directory)
    code = first.code(SOURCE, "/nowhere/mod.py", "mod")
    assert second.code(SOURCE, "/nowhere/mod.py", "mod") == code
    assert second.sites == first.sites
    assert second.sources == first.sources
    assert second.watched == {"mod"}
    assert rewritings == ["mod"]


def test_numbers_of_sites_follow_the_order_of_loading(directory: Path) -> None:
    loader(directory).code(SOURCE, "/nowhere/mod.py", "mod")
    warm, cold = loader(directory), Loader(Watch("/nowhere"))
    for one in (warm, cold):
        one.code(b"x = y.z", "/nowhere/other.py", "other")
    assert warm.code(SOURCE, "/nowhere/mod.py", "mod") == cold.code(
        SOURCE, "/nowhere/mod.py", "mod"
    )
    assert warm.sites == cold.sites


def test_every_number_of_a_site_is_in_the_table() -> None:
    one = Loader(Watch("/nowhere"))
    one.code(b"x = y.z", "/nowhere/other.py", "other")
    before = len(one.sites)
    code = one.code(SOURCE, "/nowhere/mod.py", "mod")
    numbers = set()
    for part in code_objects(code):
        for constant in part.co_consts:
            numbers.update(constant if isinstance(constant, tuple) else [constant])
    assert set(range(before, len(one.sites))) <= numbers
    assert max(n for n in numbers if type(n) is int and n != 2305843009213693951) < 3000


def test_constants_of_the_program_are_left_alone() -> None:
    digest = b"\0" * 32
    start = provisional(digest)
    source = f"a = {start + 5}, {start - 1}, {start}, ({start}, 'x'), 1\ndef f(): return {start}"
    namespace: dict[str, Any] = {}
    exec(relocated(compile(source, "f.py", "exec"), start, 2, 10), namespace)
    assert namespace["a"] == (start + 5, start - 1, 10, (10, "x"), 1)
    assert namespace["f"]() == 10


@pytest.mark.parametrize("what", ["source", "file", "module", "settings"])
def test_what_the_code_depends_on_is_part_of_the_key(
    what: str, directory: Path, rewritings: list[str]
) -> None:
    loader(directory).code(SOURCE, "/nowhere/mod.py", "mod")
    source = SOURCE + b"\n" if what == "source" else SOURCE
    file = "/nowhere/a/mod.py" if what == "file" else "/nowhere/mod.py"
    module = "a.mod" if what == "module" else "mod"
    settings = ("include", "json") if what == "settings" else ()
    loader(directory, settings=settings).code(source, file, module)
    assert len(rewritings) == 2
    assert len(entries(directory)) == 2


def test_interpreter_and_rewriter_are_part_of_the_key(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = CodeCache(str(directory)).key(b"", "f.py", "m")
    circumstances = caching._circumstances()
    for position in range(len(circumstances)):
        changed = [*circumstances]
        changed[position] += "x"
        with monkeypatch.context() as patch:
            patch.setattr(caching, "_circumstances", lambda changed=changed: tuple(changed))
            assert CodeCache(str(directory)).key(b"", "f.py", "m") != before
    assert CodeCache(str(directory)).key(b"", "f.py", "m") == before


def test_answers_about_other_modules_are_asked_again(
    tmp_path: Path, directory: Path, rewritings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "helper.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    source = b"import helper\nhelper.f([helper])"
    for project in ("/nowhere", "/nowhere", str(tmp_path), str(tmp_path)):
        loader(directory, project).code(source, "/nowhere/mod.py", "mod")
    assert len(rewritings) == 2


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:40],
        lambda content: content[:-1],
        lambda content: content + b"\0",
        lambda content: content[:60] + bytes([content[60] ^ 1]) + content[61:],
        lambda content: b"\0" * len(content),
    ],
    ids=["empty", "short", "shorter", "longer", "one bit", "zeros"],
)
def test_damaged_entry_is_replaced(damage: Any, directory: Path, rewritings: list[str]) -> None:
    code = loader(directory).code(SOURCE, "/nowhere/mod.py", "mod")
    (entry,) = entries(directory)
    good = entry.read_bytes()
    entry.write_bytes(damage(good))
    assert loader(directory).code(SOURCE, "/nowhere/mod.py", "mod") == code
    assert len(rewritings) == 2
    assert loader(directory).code(SOURCE, "/nowhere/mod.py", "mod") == code
    assert len(rewritings) == 2


def test_entry_under_another_name_is_not_taken(directory: Path, rewritings: list[str]) -> None:
    loader(directory).code(SOURCE, "/nowhere/mod.py", "mod")
    (entry,) = entries(directory)
    key = CodeCache(str(directory)).key(b"other", "/nowhere/other.py", "other")
    entry.rename(entry.with_name(key + caching.SUFFIX))
    assert CodeCache(str(directory)).load(key, "/nowhere/other.py", "other") is None


@needs_owners
@pytest.mark.parametrize("mode", [0o020, 0o002])
def test_what_others_could_have_written_is_not_read(
    mode: int, directory: Path, rewritings: list[str]
) -> None:
    loader(directory).code(SOURCE, "/nowhere/mod.py", "mod")
    (entry,) = entries(directory)
    entry.chmod(0o600 | mode)
    loader(directory).code(SOURCE, "/nowhere/mod.py", "mod")
    assert len(rewritings) == 2
    assert stat.S_IMODE(entries(directory)[0].stat().st_mode) == 0o600
    directory.chmod(0o700 | mode)
    loader(directory).code(SOURCE, "/nowhere/mod.py", "mod")
    assert len(rewritings) == 3


@needs_owners
def test_what_belongs_to_somebody_else_is_not_read(
    directory: Path, rewritings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    loader(directory).code(SOURCE, "/nowhere/mod.py", "mod")
    monkeypatch.setattr(caching, "_effective_user", lambda: os.geteuid() + 1)
    loader(directory).code(SOURCE, "/nowhere/mod.py", "mod")
    assert len(rewritings) == 2


@needs_owners
def test_link_is_not_followed(tmp_path: Path, directory: Path, rewritings: list[str]) -> None:
    loader(directory).code(SOURCE, "/nowhere/mod.py", "mod")
    (entry,) = entries(directory)
    entry.rename(tmp_path / "elsewhere")
    entry.symlink_to(tmp_path / "elsewhere")
    loader(directory).code(SOURCE, "/nowhere/mod.py", "mod")
    assert len(rewritings) == 2


@needs_owners
def test_directory_is_for_nobody_else(directory: Path) -> None:
    loader(directory).code(SOURCE, "/nowhere/mod.py", "mod")
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert stat.S_IMODE(entries(directory)[0].stat().st_mode) == 0o600


@pytest.mark.parametrize("failing", ["_makedirs", "_open", "_write", "_replace"])
def test_disk_that_refuses_costs_only_time(
    failing: str, directory: Path, rewritings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(caching, failing, refuse)
        code = loader(directory).code(SOURCE, "/nowhere/mod.py", "mod")
    assert entries(directory) == []
    assert loader(directory).code(SOURCE, "/nowhere/mod.py", "mod") == code
    assert len(rewritings) == 2


def test_file_in_place_of_the_directory_costs_only_time(
    directory: Path, rewritings: list[str]
) -> None:
    directory.touch()
    for _ in range(2):
        loader(directory).code(SOURCE, "/nowhere/mod.py", "mod")
    assert len(rewritings) == 2


def test_another_process_that_writes_the_same_entry_is_let_go_on(
    directory: Path, rewritings: list[str]
) -> None:
    one = loader(directory)
    assert one.cache is not None
    key = one.cache.key(b"", "f.py", "m")
    directory.mkdir(mode=0o700)
    busy = directory / f"{key}{caching.SUFFIX}.{os.getpid()}"
    busy.touch()
    one.cache.store(key, Entry(compile("", "f.py", "exec"), [], {}))
    assert entries(directory) == [busy]


def test_oldest_entries_go_when_there_are_too_many(directory: Path) -> None:
    directory.mkdir()
    for age, name in enumerate(["new", "older", "oldest"]):
        file = directory / (name + caching.SUFFIX)
        file.write_bytes(b"x" * 100)
        os.utime(file, (1e9 - age, 1e9 - age))
    (directory / "notes.txt").write_bytes(b"x" * 1000)
    prune(str(directory), most=300, kept=200)
    assert len(entries(directory)) == 4
    prune(str(directory), most=299, kept=200)
    assert [file.stem for file in entries(directory)] == ["new", "notes", "older"]


def test_use_keeps_an_entry_young(directory: Path) -> None:
    loader(directory).code(SOURCE, "/nowhere/mod.py", "mod")
    (entry,) = entries(directory)
    os.utime(entry, (1e9, 1e9))
    loader(directory).code(SOURCE, "/nowhere/mod.py", "mod")
    assert entry.stat().st_mtime > 1e9


def test_closing_prunes_only_after_storing(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pruned: list[str] = []
    monkeypatch.setattr(caching, "prune", pruned.append)
    cache = CodeCache(str(directory))
    cache.close()
    assert pruned == []
    cache.store(cache.key(b"", "f.py", "m"), Entry(compile("", "f.py", "exec"), [], {}))
    cache.close()
    cache.close()
    assert pruned == [str(directory)]


def test_sites_come_back_whole(directory: Path) -> None:
    cache = CodeCache(str(directory))
    key = cache.key(b"", "f.py", "m")
    sites = [
        Site("attr", "f.py", 1, "f", "n", "o.n", True, True, 2, 3, 4, "m", ("a", "b")),
        Site("item", "f.py", 5, "<module>", "", "\udcff[0]", module="m"),
    ]
    cache.store(key, Entry(compile("", "f.py", "exec"), sites, {"json": False}))
    found = cache.load(key, "f.py", "m")
    assert found is not None
    assert found.sites == sites
    assert found.answers == {"json": False}


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"RACEPROOF_CACHE": "/there", "XDG_CACHE_HOME": "/caches"}, "/there"),
        ({"RACEPROOF_CACHE": "", "XDG_CACHE_HOME": "/caches"}, "/caches/raceproof"),
    ],
)
@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="other places")
def test_place_of_the_cache(environment: dict[str, str], expected: str) -> None:
    assert default_directory(environment) == expected


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="other places")
def test_relative_xdg_directory_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", os.path.abspath("somebody"))
    assert default_directory({"XDG_CACHE_HOME": "caches"}) == os.path.join(
        os.path.abspath("somebody"), ".cache", "raceproof"
    )


def run(script: Path, cache: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "raceproof", "run", "--format", "json", *options, str(script)]
    environment = {**os.environ, "RACEPROOF_CACHE": str(cache)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_command_fills_the_cache_unless_it_is_told_not_to(tmp_path: Path, directory: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("import helper\nprint(helper.x)")
    (tmp_path / "helper.py").write_text("x = 1")
    cold = run(script, directory, "--no-cache")
    assert cold.returncode == 0, cold.stderr
    assert entries(directory) == []
    for _ in range(2):
        warm = run(script, directory)
        assert warm.returncode == 0, warm.stderr
        assert len(entries(directory)) == 2
    (tmp_path / "pyproject.toml").write_text("[tool.raceproof]\ncache = false")
    (tmp_path / "helper.py").write_text("x = 2")
    assert run(script, directory).returncode == 0
    assert len(entries(directory)) == 2
    assert run(script, directory, "--cache").returncode == 0
    assert len(entries(directory)) == 3


def test_warnings_of_the_compiler_are_not_shown(
    directory: Path, recwarn: pytest.WarningsRecorder
) -> None:
    loader(directory).code(b"x = 1\nif x is 1: x = '\\d'", "/nowhere/mod.py", "mod")
    assert not recwarn.list

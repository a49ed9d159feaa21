"""The command line: what it accepts, what it hands on, what it says, how it exits."""

from __future__ import annotations

import contextlib
import errno
import importlib.util
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from raceproof import cli
from raceproof.configuration import FORMATS
from raceproof.exploration import CannotRun, Options, Program, ReplayResult
from raceproof.judge.codes import CODES
from raceproof.judge.findings import Finding, Result

Progress = Callable[[int, float, int], None]


class Explorer:
    """Stands in for the exploration: notes what it was asked, answers what it was told to."""

    def __init__(self) -> None:
        self.result = Result("bank.py", "ok", True, 14, 14.0, 0.02)
        self.error: Exception | None = None
        self.program = Program(None, None, ())
        self.options = Options()
        self.progress: Progress | None = None

    def explore(
        self, program: Program, options: Options, progress: Progress, emergency: object
    ) -> Result:
        self.program, self.options, self.progress = program, options, progress
        if self.error is not None:
            raise self.error
        progress(1, 14.0, 0)
        return self.result


@pytest.fixture
def explorer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Explorer:
    stand_in = Explorer()
    monkeypatch.setattr("raceproof.cli.explore", stand_in.explore)
    monkeypatch.chdir(tmp_path)
    Path("bank.py").write_text("print('hello')\n", encoding="utf-8")
    return stand_in


Captured = pytest.CaptureFixture[str]


# -- the program and its arguments -----------------------------------------------------------------


def test_a_script_and_its_arguments(explorer: Explorer) -> None:
    assert cli.main(["run", "bank.py"]) == 0
    assert explorer.program == Program("bank.py", None, ())
    assert explorer.options == Options()


def test_what_follows_the_script_belongs_to_it(explorer: Explorer) -> None:
    line = ["run", "--first", "bank.py", "--seed", "3", "-v", "--", "--help", "x"]
    assert cli.main(line) == 0
    assert explorer.program.arguments == ("--seed", "3", "-v", "--", "--help", "x")
    assert explorer.options.first
    assert explorer.options.seed == 0


def test_what_follows_the_module_belongs_to_it(explorer: Explorer) -> None:
    assert cli.main(["run", "--seed", "4", "-m", "bank", "--first", "-m"]) == 0
    assert explorer.program == Program(None, "bank", ("--first", "-m"))
    assert explorer.options.seed == 4
    assert not explorer.options.first


def test_a_directory_with_a_main_module_is_run_as_python_does(explorer: Explorer) -> None:
    Path("app").mkdir()
    Path("app/__main__.py").write_text("pass\n", encoding="utf-8")
    assert cli.main(["run", "app"]) == 0
    assert explorer.program.script == os.path.join("app", "__main__.py")


def test_a_package_with_a_main_module_is_not_imported_to_find_it(explorer: Explorer) -> None:
    Path("shop/till").mkdir(parents=True)
    Path("shop/__init__.py").write_text("raise SystemExit('imported')\n", encoding="utf-8")
    Path("shop/till/__init__.py").write_text("", encoding="utf-8")
    Path("shop/till/__main__.py").write_text("", encoding="utf-8")
    assert cli.main(["run", "-m", "shop.till"]) == 0
    assert explorer.program.module == "shop.till"


def test_a_module_that_only_an_import_hook_knows(
    explorer: Explorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Hook:
        @staticmethod
        def find_spec(name: str, path: object = None, target: object = None) -> ModuleSpec | None:
            if name != "editable":
                return None
            return importlib.util.spec_from_file_location(name, Path("bank.py").absolute())

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Hook])
    assert cli.main(["run", "-m", "editable"]) == 0


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ([], "Nothing to run"),
        (["-m"], "MODULE after -m"),
        (["bnak.py"], "no such file: bnak.py (did you mean bank.py?)"),
        (["bank"], "did you mean bank.py?"),
        (["nowhere/bank.py"], "nor is there a directory nowhere"),
        (["empty"], "empty is a directory without a __main__.py"),
        (["-"], "standard input"),
        (["broken.py"], 'File "broken.py", line 2\n    def f(:\n          ^\nSyntaxError'),
        (["outside.py"], "'return' outside function"),
        (["binary.py"], "binary.py is not Python source text"),
        (["-m", "nothing"], "no module named nothing (looked in the current directory first)"),
        (["-m", "json.nothing"], "no module named json.nothing"),
        (["-m", "bank.nothing"], "bank is not a package"),
        (["-m", "json"], "package without a __main__"),
        (["-m", "sys"], "part of the interpreter"),
        (["-m", "bank.py"], "without -m it is a script"),
        (["-m", "no/bank.py"], "not the name of a module"),
        (["-m", "broken"], "broken.py does not parse"),
        (["--threads", "fibers", "bank.py"], "fibers"),
        (["--timeouts", "sometimes", "bank.py"], "sometimes"),
        (["--max-seconds", "0", "bank.py"], "0"),
        (["--max-seconds", "nan", "bank.py"], "nan"),
        (["--max-interleavings", "0", "bank.py"], "0"),
        (["--no-such-option", "bank.py"], "--no-such-option"),
        (["-v", "-q", "bank.py"], "exclude each other"),
    ],
)
def test_wrong_usage_is_explained(
    explorer: Explorer, capsys: Captured, line: list[str], message: str
) -> None:
    Path("empty").mkdir()
    Path("broken.py").write_text("x = 1\ndef f(:\n", encoding="utf-8")
    Path("outside.py").write_text("return 1\n", encoding="utf-8")
    Path("binary.py").write_bytes(b"\x00\x01\x02")
    assert cli.main(["run", *line]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""
    assert explorer.progress is None


def test_a_file_that_may_not_be_read(
    explorer: Explorer, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("raceproof.target.open", refuse, raising=False)
    assert cli.main(["run", "bank.py"]) == 2
    assert "bank.py cannot be read: Permission denied" in capsys.readouterr().err


# -- options and configuration ---------------------------------------------------------------------


def test_options_reach_the_exploration(explorer: Explorer) -> None:
    line = ["run", "--max-seconds", "2.5", "--max-interleavings", "7", "--include", "a, b",
            "--include", "c", "--exclude", "d", "--seed", "-3", "--keep-going",
            "--replay-dir", "out", "bank.py"]  # fmt: skip
    assert cli.main(line) == 0
    assert explorer.options == Options(
        max_seconds=2.5,
        max_interleavings=7,
        include=("a", "b", "c"),
        exclude=("d",),
        seed=-3,
        keep_going=True,
        replay_dir="out",
    )


def configure(text: str, directory: str = ".") -> None:
    Path(directory, "pyproject.toml").write_text(text, encoding="utf-8")


def test_the_configuration_stands_above_the_script(explorer: Explorer) -> None:
    configure(
        '[tool.raceproof]\nmax-seconds = 60\ninclude = ["a"]\nfirst = true\nexclude = "b,c"\n'
    )
    Path("deep/down").mkdir(parents=True)
    configure("[tool.other]\nx = 1\n", "deep")
    Path("deep/down/bank.py").write_text("pass\n", encoding="utf-8")
    assert cli.main(["run", "deep/down/bank.py"]) == 0
    assert explorer.options == Options(
        max_seconds=60.0, include=("a",), exclude=("b", "c"), first=True
    )


def test_the_command_line_wins(explorer: Explorer) -> None:
    configure('[tool.raceproof]\nmax-seconds = 60\ninclude = ["a"]\nfirst = true\nverbose = true\n')
    line = ["run", "-q", "--max-seconds", "10", "--include", "b", "--no-first", "bank.py"]
    assert cli.main(line) == 0
    assert explorer.options == Options(max_seconds=10.0, include=("b",))


def test_a_replay_directory_is_relative_to_the_file_that_names_it(explorer: Explorer) -> None:
    Path("deep").mkdir()
    configure('[tool.raceproof]\nreplay-dir = "out"\n', "deep")
    Path("deep/bank.py").write_text("pass\n", encoding="utf-8")
    assert cli.main(["run", "deep/bank.py"]) == 0
    assert explorer.options.replay_dir == os.path.join("deep", "out")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("max_seconds = 3", "unknown key 'max_seconds' in [tool.raceproof] (did you mean 'max-s"),
        ("colour = 3", "unknown key 'colour' in [tool.raceproof] (known: format,"),
        ("max-seconds = '3'", "max-seconds in [tool.raceproof] must be a number above 0, not '3'"),
        ("max-seconds = 0", "must be a number above 0, not 0"),
        ("max-seconds = nan", "must be a number above 0"),
        ("max-seconds = true", "must be a number above 0, not True"),
        ("max-interleavings = 1.5", "must be a whole number above 0"),
        ("seed = 'x'", "seed in [tool.raceproof] must be a whole number"),
        ("include = [1]", "include in [tool.raceproof] must be a list of names"),
        ("first = 'yes'", "first in [tool.raceproof] must be true or false"),
        ("timeouts = 'x'", "timeouts in [tool.raceproof] must be one of idle, any, never"),
        ("replay-dir = ''", "replay-dir in [tool.raceproof] must be a text"),
        ("verbose = true\nquiet = true", "exclude each other"),
        ("x = = 1", "is not valid TOML"),
    ],
)
def test_a_wrong_configuration_names_file_and_key(
    explorer: Explorer, capsys: Captured, text: str, message: str
) -> None:
    configure(f"[tool.raceproof]\n{text}\n")
    assert cli.main(["run", "bank.py"]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "pyproject.toml" in error


def test_a_section_that_is_no_table(explorer: Explorer, capsys: Captured) -> None:
    configure("[tool]\nraceproof = 3\n")
    assert cli.main(["run", "bank.py"]) == 2
    assert "tool.raceproof must be a table" in capsys.readouterr().err


# -- output and exit status ------------------------------------------------------------------------


def test_no_finding_exits_with_0(explorer: Explorer, capsys: Captured) -> None:
    assert cli.main(["run", "bank.py"]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("raceproof: bank.py: ok")
    assert captured.err == ""


def test_findings_exit_with_1_even_when_cut_off(explorer: Explorer, capsys: Captured) -> None:
    explorer.result.verdict = "finding"
    explorer.result.findings = [Finding("race", "it is wrong")]
    explorer.result.complete = False
    assert cli.main(["run", "--require-complete", "bank.py"]) == 1
    assert "race: it is wrong" in capsys.readouterr().out


def test_cut_off_exits_with_3_only_on_request(explorer: Explorer, capsys: Captured) -> None:
    explorer.result.complete = False
    explorer.result.cut = "interrupted"
    assert cli.main(["run", "bank.py"]) == 0
    assert cli.main(["run", "--require-complete", "bank.py"]) == 3
    assert "stopped: interrupted" in capsys.readouterr().out


def test_json_and_nothing_else_on_standard_output(explorer: Explorer, capsys: Captured) -> None:
    assert cli.main(["run", "--format", "json", "bank.py"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert (data["version"], data["verdict"], data["interleavings"]) == (1, "ok", 14)


def test_what_cannot_be_run_exits_with_2(explorer: Explorer, capsys: Captured) -> None:
    explorer.error = CannotRun("it forks")
    assert cli.main(["run", "bank.py"]) == 2
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "raceproof: it forks\n")
    assert cli.main(["run", "--format", "json", "bank.py"]) == 2
    data = json.loads(capsys.readouterr().out)
    assert (data["verdict"], data["error"]) == ("error", "it forks")


def test_formats_of_other_programs_and_nothing_else(explorer: Explorer, capsys: Captured) -> None:
    explorer.result.findings = [Finding("race", "it is wrong")]
    assert cli.main(["run", "--format", "sarif", "bank.py"]) == 1
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    assert [result["message"]["text"] for result in run["results"]] == ["it is wrong"]
    assert run["tool"]["driver"]["version"] == cli.own_version()
    assert cli.main(["run", "--format", "github", "bank.py"]) == 1
    assert capsys.readouterr().out.startswith("::error title=raceproof%3A race::it is wrong\n")


def test_formats_of_other_programs_say_why_there_is_no_report(
    explorer: Explorer, capsys: Captured
) -> None:
    explorer.error = CannotRun("it forks")
    assert cli.main(["run", "--format", "github", "bank.py"]) == 2
    assert capsys.readouterr().out == "::error title=raceproof::bank.py: it forks\n"
    assert cli.main(["run", "--format", "sarif", "bank.py"]) == 2
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    assert run["invocations"][0]["executionSuccessful"] is False


def test_an_error_of_ours_is_not_taken_for_a_finding(explorer: Explorer, capsys: Captured) -> None:
    explorer.error = RuntimeError("a bug")
    assert cli.main(["run", "bank.py"]) == 2
    assert "internal error" in capsys.readouterr().err


def test_the_report_comes_out_whatever_the_program_did_to_sys_stdout(
    explorer: Explorer, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explore(
        program: Program, options: Options, progress: Progress, emergency: object
    ) -> Result:
        monkeypatch.setattr(sys, "stdout", None)
        return explorer.result

    monkeypatch.setattr("raceproof.cli.explore", explore)
    assert cli.main(["run", "bank.py"]) == 0
    assert "raceproof: bank.py: ok" in capsys.readouterr().out


def test_nobody_reads_the_report(explorer: Explorer, monkeypatch: pytest.MonkeyPatch) -> None:
    explorer.result.findings = [Finding("race", "it is wrong")]
    for form in FORMATS:
        reading, writing = os.pipe()
        os.close(reading)
        stream = os.fdopen(writing, "w", encoding="utf-8")
        monkeypatch.setattr(sys, "stdout", stream)
        assert cli.main(["run", "--format", form, "bank.py"]) == 1
        with contextlib.suppress(BrokenPipeError):
            stream.close()


def test_a_report_that_cannot_be_written(
    explorer: Explorer, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sys, "stdout", Full())
    assert cli.main(["run", "bank.py"]) == 2
    error = capsys.readouterr().err
    assert error == "raceproof: cannot write the report: No space left on device\n"


# -- replay ----------------------------------------------------------------------------------------


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[str, bool]]:
    calls: list[tuple[str, bool]] = []

    def replay(file: str, pdb: bool) -> ReplayResult:
        calls.append((file, pdb))
        if "bad" in file:
            raise CannotRun("not a replay file")
        print("Final balance: 300")
        return ReplayResult("fails" in file, "lost update of balance", None)

    monkeypatch.setattr("raceproof.cli.replay", replay)
    monkeypatch.chdir(tmp_path)
    for name in ("fails", "passes", "bad"):
        Path(f"{name}.json").write_text("{}", encoding="utf-8")
    return calls


@pytest.mark.parametrize(
    ("line", "status", "last"),
    [
        (["fails.json"], 1, "still fails: lost update of balance"),
        (["passes.json", "--pdb"], 0, "passes now: lost update of balance"),
    ],
)
def test_replay_says_whether_it_still_fails(
    recorded: list[tuple[str, bool]], capsys: Captured, line: list[str], status: int, last: str
) -> None:
    assert cli.main(["replay", *line]) == status
    assert recorded == [(line[0], len(line) > 1)]
    assert capsys.readouterr().out == f"Final balance: 300\n{last}\n"


def test_replay_of_an_unusable_file(recorded: list[tuple[str, bool]], capsys: Captured) -> None:
    assert cli.main(["replay", "bad.json"]) == 2
    assert "not a replay file" in capsys.readouterr().err
    assert cli.main(["replay", "missing.json"]) == 2
    error = capsys.readouterr().err
    assert "no such replay file: missing.json (there is bad.json, fails.json" in error


# -- help ------------------------------------------------------------------------------------------


def test_help_and_version(capsys: Captured) -> None:
    assert cli.main(["--help"]) == 0
    assert "raceproof run bank.py" in capsys.readouterr().out
    assert cli.main(["run", "-h"]) == 0
    assert "--require-complete" in capsys.readouterr().out
    assert cli.main(["replay", "--help"]) == 0
    assert "--pdb" in capsys.readouterr().out
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("raceproof ")


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys; from raceproof.cli import main; main(['--help'])\n"
        "print({'rich', 'greenlet', 'raceproof.exploration'} & set(sys.modules))"
    )
    source = str(Path(__file__).parent.parent / "src")
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": source},
    )
    assert done.stdout.splitlines()[-1] == "set()"


def test_the_package_runs_as_a_module() -> None:
    source = str(Path(__file__).parent.parent / "src")
    done = subprocess.run(
        [sys.executable, "-m", "raceproof", "run"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": source},
    )
    assert done.returncode == 2
    assert "Nothing to run" in done.stderr


# -- explain ---------------------------------------------------------------------------------------


def test_explain_lists_every_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explain"]) == 0
    listed = capsys.readouterr().out
    assert all(code.number in listed and code.name in listed for code in CODES.values())


@pytest.mark.parametrize("wanted", ["RP101", "rp101", "101", "lost-update", "lost update"])
def test_explain_shows_the_page_about_a_code(
    wanted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["explain", wanted]) == 0
    assert capsys.readouterr().out.startswith("# RP101: lost update")


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_a_page(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explain", code]) == 0
    page = capsys.readouterr().out
    assert page.startswith(f"# {code}: ")
    for heading in ("## Wrong", "## Right", "## How to mend it"):
        assert heading in page


def test_explain_says_so_when_there_is_no_such_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explain", "RP999"]) == 2
    assert "there is no code RP999" in capsys.readouterr().err

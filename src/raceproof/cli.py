"""The command `raceproof`: finds the program, has it explored, shows what was found.

Everything heavy is imported when it is needed, so that `raceproof --help` answers at once.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import click
from click.core import ParameterSource

from raceproof.configuration import (
    FORMATS,
    THREADS,
    TIMEOUTS,
    BadConfiguration,
    read_configuration,
    split_names,
)
from raceproof.supervision import watch_over

if TYPE_CHECKING:
    from raceproof.exploration import Options, Program, ReplayResult
    from raceproof.judge.findings import Result

OK: Final = 0
FINDINGS: Final = 1
UNUSABLE: Final = 2
CUT_OFF: Final = 3
INTERRUPTED: Final = 130
SUPERVISED: Final = "supervised"
"""Context object of a command that is the whole process, not a function called by a test."""


def explore(
    program: Program,
    options: Options,
    progress: Callable[[int, float, int], None],
    emergency: Callable[[Result], None],
) -> Result:
    """`raceproof.exploration.explore`, imported when it is called."""
    from raceproof import exploration

    return exploration.explore(program, options, progress, emergency)


def replay(file: str, pdb: bool) -> ReplayResult:
    """`raceproof.exploration.replay`, imported when it is called."""
    from raceproof import exploration

    return exploration.replay(file, pdb)


class Stop(Exception):
    """The command cannot do what it was asked to; the message says why."""


# -- the command line ----------------------------------------------------------------------------


def _show_version(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if not value:
        return
    click.echo(f"raceproof {own_version()} (Python {sys.version.split()[0]})")
    context.exit()


def own_version() -> str:
    """The version of raceproof that is installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("raceproof")
    except PackageNotFoundError:
        return "(not installed)"


def _not_nan(context: click.Context, parameter: click.Parameter, value: float) -> float:
    if value != value:
        raise click.BadParameter("nan is not a number of seconds", context, parameter)
    return value


def _names(
    context: click.Context, parameter: click.Parameter, value: tuple[str, ...]
) -> tuple[str, ...]:
    return split_names(value)


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit status: 0 no finding, 1 findings, 2 wrong usage or a program that cannot be run, "
    "3 with --require-complete when the search was cut off.",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
def command() -> None:
    """Run threaded Python in every thread order that can matter, and show the orders that break it.

    \b
    Examples:
      raceproof run bank.py                    is this script free of races?
      raceproof run -m bank --accounts 2       the same for a module, with arguments
      raceproof replay .raceproof/bank-1.json  one failing order again, with output
      raceproof explain RP101                  what is a lost update, and what mends it?
    """


@command.command(
    # The first argument that is not an option is the program; all that follows belongs to it.
    context_settings={"allow_interspersed_args": False},
    options_metavar="[options]",
    epilog="The options are also keys of [tool.raceproof] in pyproject.toml, without the leading "
    "dashes; the command line wins.",
)
@click.option(
    "-m",
    "as_module",
    is_flag=True,
    help="The program is a module: `-m package.module`, as for python.",
)
@click.option(
    "--format",
    "format",
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    help="What to write to standard output: a report for people, or one for programs. sarif: for "
    "code scanning and editors; github: annotations of a workflow.",
)
@click.option(
    "--max-seconds",
    type=click.FloatRange(min=0, min_open=True),
    callback=_not_nan,
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="Stop the search after this time.",
)
@click.option(
    "--max-interleavings",
    type=click.IntRange(min=1),
    metavar="N",
    help="Stop the search after this many interleavings.",
)
@click.option(
    "--include",
    multiple=True,
    callback=_names,
    metavar="NAME",
    help="Watch this package or module too; repeat it, or separate names by commas.",
)
@click.option(
    "--exclude",
    multiple=True,
    callback=_names,
    metavar="NAME",
    help="Do not watch this package or module.",
)
@click.option(
    "--timeouts",
    type=click.Choice(TIMEOUTS),
    default="idle",
    show_default=True,
    help="When a timed wait may time out: if nothing else can run (idle), at any time, never.",
)
@click.option(
    "--threads",
    type=click.Choice(THREADS),
    default="auto",
    show_default=True,
    help="What carries the threads of the program: greenlets, or threads of the operating system, "
    "which are slower. auto: greenlets if there are any.",
)
@click.option(
    "--gil/--no-gil",
    default=False,
    help="Only the interleavings that a Python with a GIL, of the running version, can produce.",
)
@click.option(
    "--seed",
    type=int,
    default=0,
    show_default=True,
    metavar="N",
    help="Seed of the program's random numbers.",
)
@click.option(
    "--keep-going/--no-keep-going",
    default=False,
    help="Search on after the first finding, not only for 2 s more.",
)
@click.option("--first/--no-first", default=False, help="Stop at the first finding.")
@click.option(
    "--require-complete/--no-require-complete",
    default=False,
    help="Exit with status 3 if the search was cut off.",
)
@click.option(
    "--replay-dir",
    type=click.Path(file_okay=False),
    default=".raceproof",
    show_default=True,
    help="Where the replay files go.",
)
@click.option(
    "--cache/--no-cache",
    default=True,
    help="Keep the watched form of code on disk, so that the next start is quicker.",
)
@click.option("-v", "--verbose", is_flag=True, help="Show everything, shorten nothing.")
@click.option("-q", "--quiet", is_flag=True, help="One line for the verdict, one for each finding.")
@click.argument("program", required=False, metavar="SCRIPT|-m MODULE", type=click.UNPROCESSED)
@click.argument("arguments", nargs=-1, metavar="[ARGS]...", type=click.UNPROCESSED)
@click.pass_context
def run(
    context: click.Context,
    /,
    as_module: bool,
    program: str | None,
    arguments: tuple[str, ...],
    **given: Any,
) -> int:
    """Explore the interleavings of a script or module.

    The program needs no changes. Arguments after it belong to it, also those with a dash.

    \b
    Examples:
      raceproof run bank.py
      raceproof run --max-seconds 60 --require-complete bank.py
      raceproof run --include requests -m bank --accounts 2
      raceproof run --format json bank.py > report.json
    """
    # Kept now: whatever the program does to sys.stdout, the report comes out where it should.
    stdout = sys.stdout
    if program is None:
        what = "MODULE after -m" if as_module else "SCRIPT or -m MODULE"
        raise click.UsageError(f"Nothing to run: give a {what}.", context)
    settings = _settings(context, given, os.getcwd() if as_module else _directory(program))

    if context.find_root().obj == SUPERVISED:
        fate = watch_over()
        if fate is not None:
            if fate.error:
                name = f"-m {program}" if as_module else program
                hint = _hint_at_threads(settings) if fate.crashed else ""
                _show_error(stdout, name, fate.error + hint, settings)
            return fate.status

    from raceproof.exploration import CannotRun, Options
    from raceproof.exploration import Program as ProgramToRun
    from raceproof.report.progress import Progress
    from raceproof.target import Unusable, find_module, find_script

    progress = Progress()
    try:
        if as_module:
            find_module(program, os.getcwd())
            target = ProgramToRun(script=None, module=program, arguments=arguments)
        else:
            target = ProgramToRun(find_script(program), module=None, arguments=arguments)
        options = Options(
            max_seconds=settings["max_seconds"],
            max_interleavings=settings["max_interleavings"],
            include=settings["include"],
            exclude=settings["exclude"],
            timeouts=settings["timeouts"],
            threads=settings["threads"],
            gil=settings["gil"],
            seed=settings["seed"],
            keep_going=settings["keep_going"],
            first=settings["first"],
            replay_dir=settings["replay_dir"],
            cache=settings["cache"],
        )
        result = explore(
            target,
            options,
            _ignore if settings["quiet"] else progress.update,
            lambda known: _show(stdout, known, settings),
        )
    except (CannotRun, Unusable) as error:
        progress.close()
        if settings["format"] != "text":
            name = f"-m {program}" if as_module else program
            _show_error(stdout, name, str(error), settings)
        raise Stop(str(error)) from None
    finally:
        progress.close()
    _show(stdout, result, settings)
    return _status(result, settings["require_complete"])


@command.command("replay", options_metavar="[options]")
@click.argument("file")
@click.option("--pdb", is_flag=True, help="Run it under the debugger.")
def replay_command(file: str, pdb: bool) -> int:
    """Run one recorded interleaving once more, with its output.

    FILE is what `raceproof run` wrote for a finding. The exit status is 1 if the program still
    fails in this interleaving, 0 if it does not, 2 if the file is of no use.

    \b
    Examples:
      raceproof replay .raceproof/bank-1.json
      raceproof replay --pdb .raceproof/bank-1.json
    """
    from raceproof.exploration import CannotRun

    stdout = sys.stdout
    if not os.path.isfile(file):
        raise Stop(f"no such replay file: {file}{_replay_files(file)}")
    try:
        replayed = replay(file, pdb)
    except CannotRun as error:
        raise Stop(str(error)) from None
    verdict = "still fails" if replayed.reproduced else "passes now"
    _write(stdout, f"{verdict}: {replayed.message}" if replayed.message else verdict)
    return FINDINGS if replayed.reproduced else OK


@command.command("explain", options_metavar="")
@click.argument("code", required=False)
def explain_command(code: str | None) -> int:
    """Explain a mistake: what it is, a program that makes it, and how to mend it.

    CODE is what a finding shows in parentheses, or the name of the mistake. Without it, all codes
    are listed.

    \b
    Examples:
      raceproof explain
      raceproof explain RP101
      raceproof explain lost-update
    """
    from raceproof.report import pages

    if code is None:
        _write(sys.stdout, pages.overview())
        return OK
    try:
        text = pages.page(pages.find(code))
    except (pages.NoSuchCode, OSError) as error:
        raise Stop(str(error)) from None
    _write(sys.stdout, text.rstrip("\n"))
    return OK


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out a command line and return the exit status."""
    status = _carry_out(arguments)
    scheduler = sys.modules.get("raceproof.world.scheduler")
    if scheduler is not None and scheduler.machine.obstructs_exit:
        # Threads of the program that would not go would not let the interpreter go either.
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(status)
    return status


def _carry_out(arguments: Sequence[str] | None) -> int:
    try:
        # The arguments are handed over as they are: on Windows, click would expand wildcards in
        # them, which are none of its business after the name of the program.
        status = command.main(
            args=list(sys.argv[1:] if arguments is None else arguments),
            prog_name="raceproof",
            obj=SUPERVISED if arguments is None else None,
            standalone_mode=False,
        )
    except click.ClickException as error:
        error.show()
        return UNUSABLE
    except Stop as error:
        _complain(str(error))
        return UNUSABLE
    except (click.Abort, KeyboardInterrupt):
        _complain("interrupted")
        return INTERRUPTED
    except Exception:
        # Python would exit with 1, and 1 means that the program has a fault, not we.
        import traceback

        _complain(f"internal error\n{traceback.format_exc().rstrip()}")
        return UNUSABLE
    return status if isinstance(status, int) else OK


# -- what the options mean -----------------------------------------------------------------------


def _settings(context: click.Context, given: dict[str, Any], directory: str) -> dict[str, Any]:
    """The options, with those that were not given taken from pyproject.toml."""
    try:
        configured = read_configuration(directory).values
    except BadConfiguration as error:
        raise Stop(str(error)) from None
    explicit = {
        name for name in given if context.get_parameter_source(name) is not ParameterSource.DEFAULT
    }
    if {"verbose", "quiet"} <= explicit:
        raise click.UsageError("--verbose and --quiet exclude each other.", context)
    settings = {**given, **configured, **{name: given[name] for name in explicit}}
    if settings["verbose"] and settings["quiet"]:
        # One comes from the file; the one on the command line wins.
        settings["verbose"] = "verbose" in explicit
        settings["quiet"] = "quiet" in explicit
    return settings


def _hint_at_threads(settings: dict[str, Any]) -> str:
    """What to try if C code has failed on threads that are none to the system."""
    from raceproof.world.carriers import GREENLET, hub_class, name_of

    if name_of(hub_class(settings["threads"])) != GREENLET:
        return ""
    return "; if its C code counts on real threads or on stacks of their own, try --threads os"


def _directory(script: str) -> str:
    """Where the search for pyproject.toml begins."""
    return script if os.path.isdir(script) else os.path.dirname(os.path.abspath(script))


def _replay_files(file: str) -> str:
    """The replay files there are, for a person who asked for one that there is not."""
    directory = os.path.dirname(file) or "."
    try:
        present = sorted(name for name in os.listdir(directory) if name.endswith(".json"))
    except OSError:
        return ""
    listed = ", ".join(os.path.join(os.path.dirname(file), name) for name in present[:5])
    return f" (there is {listed}{', ...' if len(present) > 5 else ''})" if present else ""


def _status(result: Result, require_complete: bool) -> int:
    if result.findings or result.verdict == "finding":
        return FINDINGS
    if result.verdict == "error":
        return UNUSABLE
    return CUT_OFF if require_complete and not result.complete else OK


# -- output --------------------------------------------------------------------------------------


def _show(stdout: Any, result: Result, settings: dict[str, Any]) -> None:
    written = _machine_format(result, settings["format"])
    if written is not None:
        _write(stdout, written)
        return

    from raceproof.report.text import print_result, report_console

    def draw() -> None:
        console = report_console(stdout)
        print_result(result, console, verbose=settings["verbose"], quiet=settings["quiet"])

    _quietly(stdout, draw)


def _show_error(stdout: Any, name: str, error: str, settings: dict[str, Any]) -> None:
    """A report that says why there is none."""
    from raceproof.judge.findings import Result

    _show(stdout, Result(name, "error", python=_python(), error=error), settings)


def _machine_format(result: Result, name: str) -> str | None:
    """The report for a program that reads it; None if it is for a person."""
    if name == "json":
        from raceproof.report.json import to_json

        return to_json(result)
    if name == "sarif":
        from raceproof.report.sarif import to_sarif

        return to_sarif(result, own_version())
    if name == "github":
        from raceproof.report.github import to_github

        return to_github(result)
    return None


def _write(stdout: Any, text: str) -> None:
    encoding = getattr(stdout, "encoding", None) or "utf-8"
    text = text.encode(encoding, "backslashreplace").decode(encoding)
    _quietly(stdout, lambda: stdout.write(text + "\n"))


def _quietly(stdout: Any, write: Callable[[], object]) -> None:
    """Write to standard output; that nobody reads it (any more) is no fault."""
    if stdout is None:
        return
    try:
        write()
        stdout.flush()
    except OSError as error:
        try:
            # Python flushes once more when it exits; give it a place where that succeeds.
            os.dup2(os.open(os.devnull, os.O_WRONLY), stdout.fileno())
        except (OSError, ValueError):
            pass
        # Windows reports a pipe without a reader as an invalid argument.
        if not isinstance(error, BrokenPipeError) and error.errno != errno.EINVAL:
            raise Stop(f"cannot write the report: {error.strerror or error}") from None


def _complain(message: str) -> None:
    """A message for the person at the terminal."""
    if sys.stderr is not None:
        try:
            print(f"raceproof: {message}", file=sys.stderr)
        except OSError:
            pass


def _python() -> str:
    return sys.version.split()[0]


def _ignore(interleavings: int, estimated: float, findings: int) -> None:
    """No progress is shown."""

"""What raceproof has to say about a program: plain data, from which every report is drawn."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the program under test."""

    file: str
    line: int
    function: str
    """Qualified name; "<module>" at top level."""
    text: str = ""
    """The source line, without indentation."""


@dataclass(frozen=True, slots=True)
class Fold:
    """Steps of one thread that are not shown one by one."""

    thread: str
    steps: int
    preempted: bool = False
    """After these steps the scheduler took the processor away from the thread."""


@dataclass(slots=True)
class Step:
    """One event of an interleaving, as a report shows it."""

    number: int
    """Counting from 1, the steps that are shown."""
    thread: str
    """Name of the column: `withdraw(500)`, `Thread-1 (work)`, `main`."""
    kind: str
    """The verb: "read", "write", "acquire", "release", "append", "start", "wait", ...; "raise" for
    the end of a thread by an exception."""
    object: str
    """What it was done to: `BankAccount.balance`, `lock`, `stock['apple']`; the exception."""
    place: Place
    value: str = ""
    """Short repr of the value read or written, "" if none or unknown."""
    old: str = ""
    """For writes: the value before."""
    preempted: bool = False
    """After this step the scheduler took the processor away although the thread could go on."""
    blocks: bool = False
    """The thread tried this and had to wait (the step itself comes later, or never)."""
    key: bool = False
    """One of the steps that decide."""
    index: int = -1
    """Index of the event in the execution; of one that blocks, that of the event that came next."""
    held: tuple[str, ...] = ()
    """Locks that the thread holds at this step (not one that it takes with it)."""
    missing: bool = False
    """There was nothing at the place that it looked at, or changed."""
    expired: bool = False
    """The wait gave up instead."""
    type: str = ""
    """What kind of primitive it was done to ("Lock", "Event", ...); "" for data."""
    holder: str = ""
    """Of a step that blocks: the thread that has what it waits for."""
    taken: Place | None = None
    """Where that thread took it."""
    folds: tuple[Fold, ...] = ()
    """What happened between the step shown before and this one, in order."""


@dataclass(frozen=True, slots=True)
class Access:
    """One of two steps whose order decides."""

    thread: str
    kind: str
    object: str
    place: Place
    held: tuple[str, ...] = ()
    """Locks that the thread held."""
    value: str = ""
    old: str = ""


@dataclass(frozen=True, slots=True)
class DecidingPair:
    """The two steps whose order makes the difference: as they came here, the program fails."""

    first: Access
    second: Access
    data_race: bool
    """Nothing but their order in this interleaving orders them, and at least one is no single
    indivisible step."""
    passing: OutcomeCount | None = None
    """What comes of it with the two the other way round."""


@dataclass(frozen=True, slots=True)
class DataRace:
    """Two accesses to one place that nothing orders, in all the interleavings that were run."""

    object: str
    first: Access
    second: Access
    both_ways: bool
    """They were run in both orders."""


@dataclass(slots=True)
class Waiting:
    """A thread that cannot go on at the end of an execution."""

    thread: str
    kind: str
    """"acquire", "wait", "get", "put", "join", "result", ..."""
    object: str
    """`Lock (bank.py:7)`, `Condition`, `Thread-2`."""
    place: Place
    holder: str = ""
    """The thread that has what this one waits for; "" if nobody."""
    taken: Place | None = None
    """Where the holder took it."""


@dataclass(frozen=True, slots=True)
class Advice:
    """How to mend it."""

    primitive: str
    """"Lock", "RLock", "Semaphore", "Event", "Condition", "Barrier", "Queue" or ""."""
    text: str


@dataclass(slots=True)
class OutcomeCount:
    """One result of the program, and how often it was seen."""

    exit: str
    """"ok", "SystemExit: 3", "ValueError: ...", "deadlock", ..."""
    lines: list[str]
    """The lines printed, in order of first appearance (as a multiset they are the outcome)."""
    errors: list[str]
    """Exceptions that threads died of, and those left unread in futures."""
    count: int = 0
    serial: bool | None = False
    """Some order without preemption gives this too; None: there were too many to find out."""
    value: str = ""
    """What the explored function returned, as it looks; "" for nothing, and for programs."""


@dataclass(slots=True)
class Finding:
    """A fault of the program, with the interleaving that shows it."""

    kind: str
    """"lost-update", "check-then-act", "deadlock", "self-deadlock", ..."""
    message: str
    """One sentence: what goes wrong."""
    code: str = ""
    """The code of the mistake (see `codes`), "RP101" say."""
    name: str = ""
    """What the mistake is called."""
    where: list[Place] = field(default_factory=list)
    objects: list[str] = field(default_factory=list)
    threads: list[str] = field(default_factory=list)
    """Columns of the interleaving, in order of appearance."""
    switches: int = 0
    """Context switches in the interleaving shown."""
    steps: list[Step] = field(default_factory=list)
    whole: list[Step] = field(default_factory=list)
    """All the steps of the interleaving, as far as they are watched; numbered like `steps`, 0 for
    those that are not shown."""
    hidden: int = 0
    """Steps of the interleaving that are not shown because they do not matter."""
    waiting: list[Waiting] = field(default_factory=list)
    because: str = ""
    """A sentence or two: which steps must not come in this order, and what the other one gives."""
    pair: DecidingPair | None = None
    """The two steps whose order decides; None if no single pair does."""
    smallest: bool = True
    """Everything that could make the interleaving smaller was tried."""
    outcome: OutcomeCount | None = None
    """The result of the interleaving shown."""
    expected: list[OutcomeCount] = field(default_factory=list)
    """The results of the serial orders, when the finding is an outcome none of them gives."""
    traceback: str = ""
    advice: Advice = field(default_factory=lambda: Advice("", ""))
    replay: str = ""
    """Path of the replay file."""
    command: str = ""
    """What to type to run it again, if that is not `raceproof replay FILE`."""
    printed: list[Any] = field(default_factory=list)
    """The lines that the interleaving shown has printed, as `output.Line`; not for files."""
    exception: BaseException | None = None
    """What the interleaving shown raised, with its traceback; not for files."""
    occurrences: int = 1
    """In how many of the interleavings it was seen."""
    gil: bool | None = None
    """Whether a Python with a GIL, of the version that was used, can come to this fault; None if
    that is not known."""


@dataclass(slots=True)
class Condition:
    """Something that the program says is sometimes so."""

    label: str
    held: int = 0
    """In how many executions it was so at least once."""
    reached: int = 0
    """In how many executions the program came there."""


@dataclass(slots=True)
class Result:
    """All there is to say about one exploration."""

    program: str
    """The script or module, as given by the user."""
    verdict: str
    """"ok", "finding" or "error"."""
    complete: bool = False
    interleavings: int = 0
    estimated: float = 0.0
    seconds: float = 0.0
    python: str = ""
    watched: list[str] = field(default_factory=list)
    unwatched: list[str] = field(default_factory=list)
    outcomes: list[OutcomeCount] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """Sentences the user should read: what was not explored or not controlled, and why."""
    cut: str = ""
    """Why the search is not complete: "time (10 s)", "first finding", "interrupted", ..."""
    error: str = ""
    """Why the program could not be explored (verdict "error")."""
    changed: list[str] = field(default_factory=list)
    """What outlives the interleavings and was changed by them; it was put back."""
    conditions: list[Condition] = field(default_factory=list)
    """What the program says is sometimes so."""
    data_races: list[DataRace] = field(default_factory=list)
    """Those that make no difference; the others are findings."""
    threads: int = 0
    """The largest number of threads that an execution had, main included."""
    carrier: str = "greenlet"
    """What the threads were: "greenlet", or "os" for threads of the operating system."""

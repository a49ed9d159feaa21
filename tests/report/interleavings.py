"""Interleavings for the representation tests, as the judge would describe them."""

from __future__ import annotations

from raceproof.judge.findings import Advice, Finding, Fold, OutcomeCount, Place, Step, Waiting

FIRST = "withdraw(500)"
SECOND = "withdraw(700)"


def place(line: int, text: str, function: str = "BankAccount.withdraw") -> Place:
    return Place("bank.py", line, function, text)


CHECK = place(10, "if self.balance >= amount:")
COMPUTE = place(11, "new_balance = self.balance - amount")
STORE = place(13, "self.balance = new_balance")
BALANCE = "BankAccount.balance"


def lost_update() -> Finding:
    submit = "executor.submit(account.withdraw, {})"
    steps = [
        Step(1, "main", "start", FIRST, place(20, submit.format(500), "<module>"), type="thread",
             index=2, folds=(Fold("main", 2),)),
        Step(2, "main", "start", SECOND, place(21, submit.format(700), "<module>"), type="thread",
             index=3),
        Step(3, FIRST, "read", BALANCE, CHECK, "1000", index=4, held=("log_lock",)),
        Step(4, FIRST, "read", BALANCE, COMPUTE, "1000", index=5, key=True, held=("log_lock",)),
        Step(5, SECOND, "read", BALANCE, CHECK, "1000", index=8,
             folds=(Fold(FIRST, 1, preempted=True), Fold(SECOND, 14))),
        Step(6, SECOND, "read", BALANCE, COMPUTE, "1000", index=9),
        Step(7, SECOND, "write", BALANCE, STORE, "300", "1000", index=10, key=True),
        Step(8, FIRST, "write", BALANCE, STORE, "500", "300", index=11, key=True),
    ]  # fmt: skip
    error = "ValueError: Insufficient balance"
    return Finding(
        kind="lost-update",
        message=f"the update of {BALANCE} by {SECOND} is lost: {FIRST} overwrites it with a value "
        "computed from what it read before",
        where=[COMPUTE, STORE],
        code="RP101",
        name="lost update",
        objects=[BALANCE],
        threads=["main", FIRST, SECOND],
        switches=2,
        steps=steps,
        hidden=6,
        because=f"It fails because line 13 of {SECOND} came between lines 11 and 13 of {FIRST}. "
        f"With line 13 of {SECOND} before line 11 of {FIRST}, the program passes.",
        outcome=OutcomeCount("ok", ["Final balance: 500"], [], 6),
        expected=[
            OutcomeCount("ok", ["Final balance: 500"], [error], 1, True),
            OutcomeCount("ok", ["Final balance: 300"], [error], 1, True),
        ],
        advice=Advice("Lock", "hold one Lock from line 10 to line 13"),
        replay=".raceproof/bank-1.json",
        occurrences=12,
    )


def self_deadlock() -> Finding:
    outer = place(12, "with self.lock:", "BankAccount.deposit")
    inner = place(17, "with self.lock:", "BankAccount.log")
    lock = "Lock self.lock"
    steps = [
        Step(1, "deposit(100)", "acquire", "self.lock", outer, type="Lock", index=0),
        Step(2, "deposit(100)", "acquire", "self.lock", inner, blocks=True, key=True,
             held=("self.lock",), type="Lock", holder="deposit(100)", taken=outer, index=1),
    ]  # fmt: skip
    return Finding(
        kind="self-deadlock",
        message=f"deposit(100) waits at line 17 for {lock}, which it holds itself "
        "(taken at line 12)",
        where=[inner],
        code="RP301",
        name="self-deadlock",
        threads=["deposit(100)"],
        steps=steps,
        waiting=[
            Waiting("deposit(100)", "acquire", lock, inner, "deposit(100)", outer),
            Waiting("main", "join", "deposit(100)", place(30, "t.join()", "<module>")),
        ],
        advice=Advice("RLock", "make it an RLock, or give log() a lock that is held already"),
        replay=".raceproof/bank-1.json",
    )


def deadlock() -> Finding:
    def take(line: int, lock: str) -> Place:
        return place(line, f"with {lock}:", "transfer")

    one, two, three = "transfer(a, b)", "transfer(b, a)", "audit"
    steps = [
        Step(1, three, "read", "total", place(40, "print(total)", "audit"), "0", index=0),
        Step(2, one, "acquire", "a.lock", take(10, "source.lock"), index=1, preempted=True,
             type="Lock"),
        Step(3, two, "acquire", "b.lock", take(10, "source.lock"), index=2, type="Lock"),
        Step(4, two, "acquire", "a.lock", take(11, "target.lock"), blocks=True, key=True,
             held=("b.lock",), type="Lock", holder=one, taken=take(10, ""), index=3),
        Step(5, one, "acquire", "b.lock", take(11, "target.lock"), blocks=True, key=True,
             held=("a.lock",), type="Lock", holder=two, taken=take(10, ""), index=3),
    ]  # fmt: skip
    return Finding(
        kind="deadlock",
        message=f"{one} waits for b.lock, held by {two}; {two} waits for a.lock, held by {one}",
        code="RP302",
        name="lock-order deadlock",
        threads=[three, one, two],
        switches=2,
        steps=steps,
        waiting=[
            Waiting(one, "acquire", "Lock b.lock", take(11, ""), two, take(10, "")),
            Waiting(two, "acquire", "Lock a.lock", take(11, ""), one, take(10, "")),
            Waiting("main", "join", one, place(50, "thread.join()", "<module>")),
        ],
        advice=Advice("Lock", "take the two locks in the same order everywhere"),
        replay=".raceproof/my bank-1.json",
    )


def five_threads() -> Finding:
    add = Place("counter.py", 9, "Counter.add", "self.value += self.step(1)")
    threads = [f"Thread-{number} (add)" for number in range(1, 6)]
    steps = []
    for number, thread in enumerate(threads):
        steps.append(
            Step(2 * number + 1, thread, "read", "Counter.value", add, "0", index=3 * number,
                 preempted=number < 4, key=number == 0)
        )  # fmt: skip
    for number, thread in enumerate(threads):
        steps.append(
            Step(10 + number, thread, "write", "Counter.value", add, "1", str(min(number, 1)),
                 index=20 + number, key=number == 4)
        )  # fmt: skip
    for number, step in enumerate(steps, 1):
        step.number = number
    return Finding("lost-update", "lost", threads=threads, steps=steps, switches=9)


def long_lines() -> Finding:
    text = (
        "self.registry[self.key_of(customer, account, currency)] = "
        "self.registry.get(self.key_of(customer, account, currency), default_balance) + amount"
    )
    long = Place("bank.py", 1234, "Registry.book", text)
    name = "Registry.registry['customer-4711/savings/EUR']"
    steps = [
        Step(1, "ThreadPoolExecutor-0_0", "read", name, long, "{'amount': 1000, 'currency': ...}",
             index=0, preempted=True),
        Step(2, "ThreadPoolExecutor-0_1", "write", name, long, "1000", "0", index=1),
        Step(3, "ThreadPoolExecutor-0_1", "append", "Registry.log", long, "('booked', 1000)"),
        Step(4, "ThreadPoolExecutor-0_0", "write", name, long, "500", "1000", index=3),
    ]  # fmt: skip
    return Finding("race", "long", steps=steps, threads=[steps[0].thread, steps[1].thread])


def wide_characters() -> Finding:
    read = Place("konto.py", 3, "Konto.abheben", "残高 = self.残高  # 現在の残高を読む")
    write = Place("konto.py", 4, "Konto.abheben", "self.残高 = 残高 - betrag")
    helper = Place("lib/hilfe.py", 7, "merke", "self.zuletzt = 'e\u0301t\u00e9 \u2192 🏦'")
    steps = [
        Step(1, "出金(500)", "read", "Konto.残高", read, "1000", index=0, preempted=True),
        Step(2, "出金(700)", "read", "Konto.残高", read, "1000", index=1),
        Step(3, "出金(700)", "write", "Konto.残高", write, "300", "1000", index=2),
        Step(
            4, "出金(700)", "write", "Konto.zuletzt", helper, "'e\u0301t\u00e9 \u2192 🏦'", index=3
        ),
        Step(5, "出金(500)", "write", "Konto.残高", write, "500", "300", index=4),
    ]
    return Finding("lost-update", "wide", steps=steps, threads=["出金(500)", "出金(700)"])


def four_threads() -> Finding:
    finding = five_threads()
    finding.threads = finding.threads[:4]
    finding.steps = [step for step in finding.steps if step.thread in finding.threads]
    return finding

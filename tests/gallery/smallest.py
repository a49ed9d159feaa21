"""What the smallest interleaving of each exhibit is."""

from __future__ import annotations

import json

SMALLEST = {
    "RP100": "main:3 T1:2 T2:5 T1:3 main:7",
    "RP101": "main:3 T1:2 T2:4 T1:1",
    "RP102": "main:3 T1:2 T2:4 T1:2 main:7",
    "RP103": "main:3 T1:2 T2:3 T1:2 main:6",
    "RP104": "main:3 T1:2 T2:6 T1:4 main:8",
    "RP105": "main:3 T1:3 T2:5 T1:2 main:6",
    "RP106": "main:1 T1:3 main:5",
    "RP107": "main:3 T1:2 T2:4 T1:2 main:6",
    "RP201": "main:3 T2:5 T1:3",
    "RP202": "main:4 T1:4 T3:5 T2:6 T1:4 T3:5 main:8",
    "RP203": "main:3 T1:4 T2:5",
    "RP204": "main:4 T2:4 T1:4 T3:6 T2:4",
    "RP205": "main:3 T1:1 T2:4",
    "RP206": "main:1 T1:1 main:4 T1:5 main:2",
    "RP207": "main:5 T1:4 main:2 T2:1",
    "RP208": "main:1 T1:9",
    "RP301": "main:1 T1:6",
    "RP302": "main:3 T1:4 T2:4",
    "RP303": "main:3 T2:3 T1:1",
    "RP304": "main:3 T1:3 T2:6 T1:1",
    "RP305": "main:1 T1:1",
    "RP306": "main:3 T1:2 T2:4 T1:2 main:6",
    "RP307": "main:3 T1:4 T2:6 T1:3 main:6",
    "RP308": "main:3 T1:2 T2:2",
    "RP401": "main:4 T2:6 T1:6 main:5",
    "RP402": "main:1 T1:2 main:3",
    "account_in_a_pool": "main:4 T1:4 T2:6 T1:1",
    "bounded_semaphore": "main:1 T1:5 main:3",
    "counts_in_a_dict": "main:3 T1:2 T2:4 T1:1",
    "early_timeout": "main:4 T1:4 main:2",
    "flag_before_data": "main:3 T1:2 T2:4 T1:2 main:6",
    "list_loses_an_element": "main:3 T1:3 T2:3 T1:4 main:8",
    "lock_kept_in_a_loop": "main:1 T1:8",
    "lock_released_in_between": "main:3 T1:4 T2:8 T1:2",
    "one_counter_many_threads": "main:6 T1:2 T2:8 T1:1",
    "philosophers": "main:4 T1:4 T3:4 T2:4",
    "pop_if_there_is_one": "main:3 T1:2 T2:4 T1:2 main:6",
    "queue_not_empty": "main:3 T1:2 T2:4 T1:2 main:6",
    "two_locks": "main:3 T1:3 T2:6 T1:1",
    "two_writers_of_a_pair": "main:3 T1:2 T2:4 T1:2 main:10",
    "wrong_one_is_notified": "main:5 T2:4 T1:4 T3:7 T4:4 T2:6 T1:3",
}
"""The smallest failing interleaving of each program: whose turn it is, for how many operations."""


def turns(replay: str) -> str:
    """The schedule in a replay file, in short."""
    return " ".join(f"{who(path)}:{count}" for path, count in json.loads(replay)["schedule"])


def who(path: list[int]) -> str:
    return "main" if not path else "T" + ".".join(str(number + 1) for number in path)

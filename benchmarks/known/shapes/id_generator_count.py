"""Identifiers from `itertools.count`.

Expected: ok
"""

import itertools
import threading


def main():
    ids = itertools.count(1)
    made = []

    def make():
        made.append(next(ids))

    threads = [threading.Thread(target=make) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == [1, 2, 3]


if __name__ == "__main__":
    main()

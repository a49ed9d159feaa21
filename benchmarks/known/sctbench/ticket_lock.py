"""A ticket lock that is waited for by spinning.

Expected: ok
"""

import itertools
import threading


def run(*bodies):
    threads = [threading.Thread(target=body) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class TicketLock:
    def __init__(self):
        self.tickets = itertools.count()
        self.serving = 0

    def __enter__(self):
        mine = next(self.tickets)
        while self.serving != mine:
            pass

    def __exit__(self, *details):
        self.serving += 1


def main():
    lock = TicketLock()
    total = 0

    def add():
        nonlocal total
        with lock:
            total += 1

    run(add, add, add)
    assert total == 3


if __name__ == "__main__":
    main()

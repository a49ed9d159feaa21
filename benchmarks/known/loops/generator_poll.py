"""Polling in a generator expression, in a comprehension, and in a generator.

Expected: ok
"""

import itertools
import threading
import time


class Box:
    ready = False


def states(box):
    while True:
        yield box.ready
        time.sleep(0.01)


def main():
    box = Box()

    def work():
        box.ready = True

    thread = threading.Thread(target=work)
    thread.start()
    assert any(box.ready for _ in itertools.count())
    next(number for number in itertools.count() if box.ready)
    for ready in states(box):
        if ready:
            break
    assert any(states(box))
    thread.join()


if __name__ == "__main__":
    main()

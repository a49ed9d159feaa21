"""Polling through a method, a property, a closure variable and a helper.

Expected: ok
"""

import threading
import time


class Stage:
    def __init__(self):
        self._state = 0

    def is_ready(self):
        return self._state >= 1

    @property
    def finished(self):
        return self._state >= 2

    def advance(self):
        self._state += 1


def wait_until(predicate, pause=0.01):
    while not predicate():
        time.sleep(pause)


def main():
    stage = Stage()
    last = False

    def work():
        nonlocal last
        stage.advance()
        stage.advance()
        last = True

    thread = threading.Thread(target=work)
    thread.start()
    while not stage.is_ready():
        pass
    while not stage.finished:
        pass
    wait_until(lambda: last)
    assert stage.finished
    thread.join()


if __name__ == "__main__":
    main()

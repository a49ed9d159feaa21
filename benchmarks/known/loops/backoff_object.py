"""The pause is computed by an object of its own.

Expected: ok
"""

import threading
import time


class Backoff:
    def __init__(self):
        self.delay = 0.001
        self.pauses = 0

    def pause(self):
        self.pauses += 1
        time.sleep(self.delay)
        self.delay = min(self.delay * 2, 1.0)


class Box:
    ready = False


def main():
    box = Box()

    def work():
        box.ready = True

    thread = threading.Thread(target=work)
    thread.start()
    backoff = Backoff()
    while not box.ready:
        backoff.pause()
    thread.join()
    assert backoff.pauses >= 0


if __name__ == "__main__":
    main()

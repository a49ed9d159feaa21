"""Polling an attribute with a sleep; the worker stops when told to.

Expected: ok
"""

import threading
import time


class Worker(threading.Thread):
    def __init__(self):
        super().__init__()
        self.stopped = False
        self.finished = False

    def run(self):
        while not self.stopped:
            time.sleep(0.01)
        self.finished = True


def main():
    worker = Worker()
    worker.start()
    time.sleep(0.05)
    worker.stopped = True
    worker.join()
    assert worker.finished


if __name__ == "__main__":
    main()

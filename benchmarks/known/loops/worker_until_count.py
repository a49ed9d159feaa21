"""The stopper waits until the worker has come far enough.

Expected: ok
"""

import threading
import time


class Worker:
    def __init__(self):
        self.stop = False
        self.rounds = 0

    def run(self):
        while not self.stop:
            self.rounds += 1
            time.sleep(0.01)


def main():
    worker = Worker()
    thread = threading.Thread(target=worker.run)
    thread.start()
    while worker.rounds < 5:
        time.sleep(0.01)
    worker.stop = True
    thread.join()
    assert worker.rounds >= 5


if __name__ == "__main__":
    main()

"""A worker that does not sleep works until it is told to stop.

Expected: ok
"""

import threading


class Worker:
    def __init__(self):
        self.stop = False
        self.rounds = 0

    def run(self):
        while not self.stop:
            self.rounds += 1


def main():
    worker = Worker()
    thread = threading.Thread(target=worker.run)
    thread.start()
    worker.stop = True
    thread.join()
    assert worker.rounds >= 0


if __name__ == "__main__":
    main()

"""Identifiers made of a time stamp and a counter that starts again with each stamp.

Expected: bug
"""

import threading


class Ids:
    def __init__(self):
        self.last = -1
        self.serial = 0

    def next(self, stamp):
        if stamp == self.last:
            self.serial += 1
        else:
            self.last = stamp
            self.serial = 0
        return (stamp, self.serial)


def main():
    ids = Ids()
    made = []
    threads = [threading.Thread(target=lambda: made.append(ids.next(7))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 2, made


if __name__ == "__main__":
    main()

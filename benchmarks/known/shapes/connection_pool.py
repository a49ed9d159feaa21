"""A pool that makes connections on demand counts them without a lock: one too many.

Expected: bug
"""

import threading


class Pool:
    def __init__(self, limit):
        self.limit = limit
        self.made = 0
        self.idle = []

    def connect(self):
        if self.idle:
            return self.idle.pop()
        if self.made >= self.limit:
            return None
        self.made += 1
        assert self.made <= self.limit, self.made
        return object()


def main():
    pool = Pool(1)
    threads = [threading.Thread(target=pool.connect) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()

"""A token bucket that is filled by the clock; whoever gets no token sleeps and tries again.

Expected: ok
"""

import threading
import time


class Bucket:
    def __init__(self, rate):
        self.rate = rate
        self.tokens = 1.0
        self.updated = time.monotonic()
        self.lock = threading.Lock()

    def take(self):
        with self.lock:
            now = time.monotonic()
            self.tokens = min(1.0, self.tokens + (now - self.updated) * self.rate)
            self.updated = now
            if self.tokens >= 1.0:
                self.tokens -= 1.0
                return True
            return False


def main():
    bucket = Bucket(10.0)
    passed = []

    def request():
        while not bucket.take():
            time.sleep(0.05)
        passed.append(1)

    threads = [threading.Thread(target=request) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(passed) == 2


if __name__ == "__main__":
    main()

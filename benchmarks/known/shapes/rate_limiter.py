"""A token bucket that checks and takes in two steps.

Expected: bug
"""

import threading


class Bucket:
    def __init__(self, tokens):
        self.tokens = tokens

    def take(self):
        if self.tokens > 0:
            self.tokens -= 1
            return True
        return False


def main():
    bucket = Bucket(1)
    passed = []

    def request():
        if bucket.take():
            passed.append(1)

    threads = [threading.Thread(target=request) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(passed) == 1 and bucket.tokens == 0, (passed, bucket.tokens)


if __name__ == "__main__":
    main()

"""A spin lock that tests and then sets.

Expected: bug
"""

import threading
import time


class SpinLock:
    def __init__(self):
        self.held = False

    def __enter__(self):
        while self.held:
            time.sleep(0)
        self.held = True

    def __exit__(self, *details):
        self.held = False


def main():
    lock = SpinLock()
    inside = []

    def work(name):
        with lock:
            inside.append(name)
            assert inside == [name], inside
            inside.remove(name)

    threads = [threading.Thread(target=work, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()

"""Two threads that give way to each other: it ends unless they move in step for ever.

Expected: ok
"""

import threading
import time

wants = {"a": False, "b": False}
passed = []


def cross(me, other):
    wants[me] = True
    while wants[other]:
        wants[me] = False
        time.sleep(0.001)
        wants[me] = True
    passed.append(me)
    wants[me] = False


def main():
    threads = [threading.Thread(target=cross, args=pair) for pair in ("ab", "ba")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(passed) == ["a", "b"]


if __name__ == "__main__":
    main()

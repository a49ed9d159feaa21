"""Spinning on a lock that is tried without waiting.

Expected: ok
"""

import threading

lock = threading.Lock()
count = 0


def add():
    global count
    while not lock.acquire(blocking=False):
        pass
    count += 1
    lock.release()


def main():
    threads = [threading.Thread(target=add) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count == 2


if __name__ == "__main__":
    main()

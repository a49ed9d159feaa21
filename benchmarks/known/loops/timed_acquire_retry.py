"""A lock is asked for with a timeout, again and again.

Expected: ok
"""

import threading

lock = threading.Lock()
count = 0


def add():
    global count
    while not lock.acquire(timeout=0.1):
        pass
    count += 1
    lock.release()


def main():
    threads = [threading.Thread(target=add) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count == 3


if __name__ == "__main__":
    main()

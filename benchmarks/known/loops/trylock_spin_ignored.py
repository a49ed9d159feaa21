"""A lock is tried a few times, and then the update is made all the same.

Expected: bug
"""

import threading

lock = threading.Lock()
count = 0


def add():
    global count
    held = False
    for _ in range(3):
        held = lock.acquire(blocking=False)
        if held:
            break
    count += 1
    if held:
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

"""Waiting for threads by asking whether they live.

Expected: ok
"""

import threading
import time

results = []


def work(number):
    results.append(number)


def main():
    threads = [threading.Thread(target=work, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        time.sleep(0.1)
    assert sorted(results) == [0, 1, 2]


if __name__ == "__main__":
    main()

"""Polling the length of a list that workers append to.

Expected: ok
"""

import threading
import time


def main():
    results = []
    threads = [threading.Thread(target=results.append, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    while len(results) < 3:
        time.sleep(0.01)
    assert sum(results) == 3


if __name__ == "__main__":
    main()

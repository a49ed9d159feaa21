"""A consumer polls `empty()`, and is the only one to take things out.

Expected: ok
"""

import queue
import threading
import time


def main():
    items = queue.Queue()
    got = []

    def consume():
        for _ in range(2):
            while items.empty():
                time.sleep(0.001)
            got.append(items.get_nowait())

    thread = threading.Thread(target=consume)
    thread.start()
    items.put(1)
    items.put(2)
    thread.join()
    assert got == [1, 2]


if __name__ == "__main__":
    main()

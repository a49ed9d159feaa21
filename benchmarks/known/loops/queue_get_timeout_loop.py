"""`get(timeout=...)` in a loop that also looks at a stop flag.

Expected: ok
"""

import queue
import threading


def main():
    items = queue.Queue()
    stop = threading.Event()
    got = []

    def consume():
        while not stop.is_set() or not items.empty():
            try:
                got.append(items.get(timeout=0.1))
            except queue.Empty:
                continue

    thread = threading.Thread(target=consume)
    thread.start()
    items.put(1)
    items.put(2)
    stop.set()
    thread.join()
    assert got == [1, 2], got


if __name__ == "__main__":
    main()

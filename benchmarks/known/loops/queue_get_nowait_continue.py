"""`get_nowait` in a loop, with `except Empty: continue`.

Expected: ok
"""

import queue
import threading

STOP = object()


def main():
    items = queue.Queue()
    got = []

    def consume():
        while True:
            try:
                item = items.get_nowait()
            except queue.Empty:
                continue
            if item is STOP:
                break
            got.append(item)

    thread = threading.Thread(target=consume)
    thread.start()
    for item in (1, 2, STOP):
        items.put(item)
    thread.join()
    assert got == [1, 2]


if __name__ == "__main__":
    main()

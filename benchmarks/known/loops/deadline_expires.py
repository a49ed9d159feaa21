"""A loop whose deadline passes, because nobody does what it waits for.

Expected: ok
"""

import threading
import time


class Box:
    value = None


def main():
    box = Box()
    gate = threading.Event()

    def work():
        gate.wait()
        box.value = 1

    thread = threading.Thread(target=work)
    thread.start()
    deadline = time.time() + 30
    expired = True
    while time.time() < deadline:
        if box.value is not None:
            expired = False
            break
    gate.set()
    thread.join()
    assert expired and box.value == 1


if __name__ == "__main__":
    main()

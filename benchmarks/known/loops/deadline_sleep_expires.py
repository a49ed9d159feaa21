"""The same with a sleep of one millisecond and an hour to wait.

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
    until = time.monotonic() + 3600
    while box.value is None and time.monotonic() < until:
        time.sleep(0.001)
    assert box.value is None
    gate.set()
    thread.join()
    assert box.value == 1


if __name__ == "__main__":
    main()

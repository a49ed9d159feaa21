"""A loop with a deadline, which looks whether it was in time.

Expected: ok
"""

import threading
import time


class Box:
    value = None


def main():
    box = Box()

    def work():
        box.value = 1

    thread = threading.Thread(target=work)
    thread.start()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if box.value is not None:
            break
        time.sleep(0.01)
    if box.value is None:
        thread.join()
    assert box.value == 1


if __name__ == "__main__":
    main()

"""The same after a thousand tries with pauses.

Expected: ok
"""

import threading
import time


def main():
    gate = threading.Event()
    ready = []

    def work():
        gate.wait()
        ready.append(1)

    thread = threading.Thread(target=work)
    thread.start()
    tries = 0
    for _ in range(1000):
        if ready:
            break
        tries += 1
        time.sleep(0.01)
    gate.set()
    thread.join()
    assert tries == 1000 and ready


if __name__ == "__main__":
    main()

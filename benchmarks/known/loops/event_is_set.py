"""Polling an event.

Expected: ok
"""

import threading
import time


def main():
    stop = threading.Event()
    rounds = []

    def work():
        while not stop.is_set():
            rounds.append(1)
            time.sleep(1)

    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(3)
    stop.set()
    thread.join()
    assert len(rounds) >= 0


if __name__ == "__main__":
    main()

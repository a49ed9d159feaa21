"""Two threads take turns, ten times each, by spinning on whose turn it is.

Expected: ok
"""

import threading
import time

turn = 0
log = []


def play(me):
    global turn
    for _ in range(10):
        while turn != me:
            time.sleep(0)
        log.append(me)
        turn = 1 - me


def main():
    threads = [threading.Thread(target=play, args=(me,)) for me in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert log == [0, 1] * 10


if __name__ == "__main__":
    main()

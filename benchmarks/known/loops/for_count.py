"""A `for` loop over `itertools.count()`.

Expected: ok
"""

import itertools
import threading
import time

done = threading.Event()


def main():
    thread = threading.Thread(target=done.set)
    thread.start()
    for attempt in itertools.count():
        if done.is_set():
            break
        time.sleep(0.01)
    thread.join()


if __name__ == "__main__":
    main()

"""A thread spins for a flag while it holds the lock that the setter needs.

Expected: bug
"""

import threading
import time

lock = threading.Lock()


class Box:
    ready = False


def main():
    box = Box()

    def set_it():
        with lock:
            box.ready = True

    def wait():
        with lock:
            while not box.ready:
                time.sleep(0.01)

    threads = [threading.Thread(target=body) for body in (wait, set_it)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()

"""A `for` loop over `itertools.count()` that nobody ends.

Expected: bug
"""

import itertools
import threading


class Box:
    done = False


def main():
    box = Box()

    def wait():
        for attempt in itertools.count():
            if box.done:
                return attempt

    thread = threading.Thread(target=wait)
    thread.start()
    thread.join()


if __name__ == "__main__":
    main()

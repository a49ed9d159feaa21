"""A generator expression that nobody ends.

Expected: bug
"""

import itertools
import threading


class Box:
    ready = False


def main():
    box = Box()

    def wait():
        return any(box.ready for _ in itertools.repeat(None))

    thread = threading.Thread(target=wait)
    thread.start()
    thread.join()


if __name__ == "__main__":
    main()

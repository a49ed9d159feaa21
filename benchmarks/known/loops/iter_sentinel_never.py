"""`iter(callable, sentinel)` that never comes to its sentinel.

Expected: bug
"""

import threading
import time


class Box:
    done = False


def main():
    box = Box()

    def look():
        time.sleep(0.1)
        return box.done

    def wait():
        for _ in iter(look, True):
            pass

    thread = threading.Thread(target=wait)
    thread.start()
    thread.join()


if __name__ == "__main__":
    main()

"""Nobody ever sets the flag.

Expected: bug
"""

import threading
import time


class Box:
    ready = False


def main():
    box = Box()

    def wait():
        while not box.ready:
            time.sleep(0.01)

    thread = threading.Thread(target=wait)
    thread.start()
    thread.join()


if __name__ == "__main__":
    main()

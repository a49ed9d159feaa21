"""A loop that looks at nothing at all.

Expected: bug
"""

import threading
import time


def main():
    def wait():
        while True:
            time.sleep(1)

    thread = threading.Thread(target=wait)
    thread.start()
    thread.join()


if __name__ == "__main__":
    main()

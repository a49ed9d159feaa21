"""A thread waits for itself to end.

Expected: bug
"""

import threading
import time


def work():
    me = threading.current_thread()
    while me.is_alive():
        time.sleep(1)


def main():
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


if __name__ == "__main__":
    main()

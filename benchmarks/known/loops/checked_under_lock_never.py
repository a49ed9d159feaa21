"""The flag is read under a lock, in a loop; one of the workers does not count.

Expected: bug
"""

import threading
import time

lock = threading.Lock()
finished = 0


def work(number):
    global finished
    if number:
        with lock:
            finished += 1


def main():
    threads = [threading.Thread(target=work, args=(n,)) for n in range(2)]
    for thread in threads:
        thread.start()
    while True:
        with lock:
            if finished == 2:
                break
        time.sleep(0.01)
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()

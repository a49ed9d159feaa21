"""The flag is read under a lock, in a loop.

Expected: ok
"""

import threading

lock = threading.Lock()
finished = 0


def work():
    global finished
    with lock:
        finished += 1


def main():
    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    while True:
        with lock:
            if finished == 3:
                break
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()

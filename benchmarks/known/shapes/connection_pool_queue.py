"""A pool made of a queue.

Expected: ok
"""

import queue
import threading


def main():
    pool = queue.Queue()
    for number in range(2):
        pool.put(number)
    in_use = set()
    lock = threading.Lock()

    def use():
        connection = pool.get()
        with lock:
            assert connection not in in_use
            in_use.add(connection)
        with lock:
            in_use.remove(connection)
        pool.put(connection)

    threads = [threading.Thread(target=use) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert pool.qsize() == 2


if __name__ == "__main__":
    main()

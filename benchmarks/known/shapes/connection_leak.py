"""A connection is not given back if its use fails, and then everybody waits.

Expected: bug
"""

import queue
import threading


def main():
    pool = queue.Queue()
    pool.put("connection")

    def use(fail):
        connection = pool.get()
        try:
            if fail:
                raise ValueError("bad query")
        except ValueError:
            return
        pool.put(connection)

    threads = [threading.Thread(target=use, args=(fail,)) for fail in (True, False)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()

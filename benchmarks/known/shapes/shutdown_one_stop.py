"""Two workers and one job that says stop.

Expected: bug
"""

import queue
import threading


def main():
    jobs = queue.Queue()

    def work():
        while jobs.get() is not None:
            pass

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    jobs.put(1)
    jobs.put(None)
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()

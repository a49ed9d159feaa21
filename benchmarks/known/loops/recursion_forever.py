"""Recursion in place of a loop, and nobody who ends it: that is a RecursionError.

Expected: bug
"""

import threading


class Job:
    state = "new"


def main():
    job = Job()

    def wait():
        if job.state != "done":
            wait()

    thread = threading.Thread(target=wait)
    thread.start()
    thread.join()


if __name__ == "__main__":
    main()

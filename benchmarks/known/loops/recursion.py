"""Recursion in place of a loop.

Expected: ok
"""

import threading
import time


class Job:
    def __init__(self):
        self.state = "new"

    def run(self):
        self.state = "running"
        self.state = "done"


def wait_for(job):
    if job.state == "done":
        return
    time.sleep(0.01)
    wait_for(job)


def main():
    job = Job()
    thread = threading.Thread(target=job.run)
    thread.start()
    wait_for(job)
    assert job.state == "done"
    thread.join()


if __name__ == "__main__":
    main()

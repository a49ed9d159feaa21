"""RP102: that a queue is not empty is no promise that get_nowait() finds an item."""

import queue
import threading

jobs = queue.Queue()
jobs.put("wash")


def work():
    if not jobs.empty():
        print("did", jobs.get_nowait())


threads = [threading.Thread(target=work) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()

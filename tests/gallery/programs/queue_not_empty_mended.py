"""The mended twin of `queue_not_empty.py`."""

import queue
import threading

jobs = queue.Queue()
jobs.put("wash")


def work():
    try:
        print("did", jobs.get_nowait())
    except queue.Empty:
        pass


threads = [threading.Thread(target=work) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()

"""The mended twin of `pop_if_there_is_one.py`."""

import threading

tasks = ["wash"]


def work():
    try:
        print("did", tasks.pop())
    except IndexError:
        pass


threads = [threading.Thread(target=work) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()

"""The mended twin of `wrong_one_is_notified.py`."""

import threading

condition = threading.Condition()
box = []


def put(item):
    with condition:
        while box:
            condition.wait()
        box.append(item)
        condition.notify_all()


def take():
    with condition:
        while not box:
            condition.wait()
        box.pop()
        condition.notify_all()


threads = [threading.Thread(target=take) for _ in range(2)]
threads += [threading.Thread(target=put, args=(item,)) for item in ("apple", "pear")]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()

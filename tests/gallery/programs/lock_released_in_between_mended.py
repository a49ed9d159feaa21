"""The mended twin of `lock_released_in_between.py`."""

import threading

total = 0
lock = threading.Lock()


def add(amount):
    global total
    with lock:
        old = total
        total = old + amount


threads = [threading.Thread(target=add, args=(amount,)) for amount in (1, 2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(total)

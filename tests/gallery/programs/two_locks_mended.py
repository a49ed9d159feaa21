"""The mended twin of `two_locks.py`."""

import threading

lock = threading.Lock()
total = 0


def add(amount):
    global total
    with lock:
        total += amount


def subtract(amount):
    global total
    with lock:
        total -= amount


threads = [
    threading.Thread(target=add, args=(5,)),
    threading.Thread(target=subtract, args=(3,)),
]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(total)

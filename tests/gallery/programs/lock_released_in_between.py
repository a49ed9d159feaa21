"""RP101: each step is locked by itself, and the lock is free in between."""

import threading

total = 0
lock = threading.Lock()


def add(amount):
    global total
    with lock:
        old = total
    with lock:
        total = old + amount


threads = [threading.Thread(target=add, args=(amount,)) for amount in (1, 2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(total)

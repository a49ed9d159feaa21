"""RP304: one lock for adding, one for subtracting."""

import threading

adding = threading.Lock()
subtracting = threading.Lock()
total = 0


def add(amount):
    global total
    with adding:
        total += amount


def subtract(amount):
    global total
    with subtracting:
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

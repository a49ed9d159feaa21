"""Two producers and a consumer around a queue with room for one: buffer_queue.py ITEMS_EACH."""

import queue
import sys
import threading

items = int(sys.argv[1])
buffer = queue.Queue(maxsize=1)
received = []


def produce(start):
    for number in range(start, start + items):
        buffer.put(number)


def consume():
    for _ in range(2 * items):
        received.append(buffer.get())


threads = [
    threading.Thread(target=produce, args=(0,)),
    threading.Thread(target=produce, args=(100,)),
    threading.Thread(target=consume),
]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()

print(f"Received {sorted(received)}")

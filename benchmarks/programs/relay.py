"""A producer and a consumer around a bounded queue: relay.py ITEMS."""

import queue
import sys
import threading

items = int(sys.argv[1])
buffer = queue.Queue(maxsize=4)
received = []


def produce():
    for number in range(items):
        buffer.put(number)


def consume():
    for _ in range(items):
        received.append(buffer.get())


producer = threading.Thread(target=produce)
consumer = threading.Thread(target=consume)
producer.start()
consumer.start()
producer.join()
consumer.join()

print(f"Received {len(received)} items")

"""A producer and a consumer around a buffer with room for one: buffer_condition.py ITEMS."""

import sys
import threading


class Buffer:
    """Holds one item; whoever cannot go on waits for the other side."""

    def __init__(self):
        self.items = []
        self.changed = threading.Condition()

    def put(self, item):
        with self.changed:
            while self.items:
                self.changed.wait()
            self.items.append(item)
            self.changed.notify_all()

    def get(self):
        with self.changed:
            while not self.items:
                self.changed.wait()
            item = self.items.pop()
            self.changed.notify_all()
            return item


buffer = Buffer()
received = []


def produce(items):
    for number in range(items):
        buffer.put(number)


def consume(items):
    for _ in range(items):
        received.append(buffer.get())


threads = [
    threading.Thread(target=produce, args=(int(sys.argv[1]),)),
    threading.Thread(target=consume, args=(int(sys.argv[1]),)),
]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()

print(f"Received {received}")

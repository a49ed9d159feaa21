"""RP101: the loss of one update needs two of the five threads."""

import threading


class Counter:
    def __init__(self):
        self.value = 0

    def count(self):
        for _ in range(3):
            self.value += 1


counter = Counter()
threads = [threading.Thread(target=counter.count) for _ in range(5)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(counter.value)

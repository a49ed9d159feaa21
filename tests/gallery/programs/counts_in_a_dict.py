"""RP101: `d[k] = d.get(k, 0) + 1` loses counts like any other read-modify-write."""

import threading

counts = {}


def count(word):
    counts[word] = counts.get(word, 0) + 1


threads = [threading.Thread(target=count, args=("apple",)) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(counts)

"""The mended twin of `counts_in_a_dict.py`."""

import threading

counts = {}
lock = threading.Lock()


def count(word):
    with lock:
        counts[word] = counts.get(word, 0) + 1


threads = [threading.Thread(target=count, args=("apple",)) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(counts)

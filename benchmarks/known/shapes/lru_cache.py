"""A least-recently-used cache: between the test and `move_to_end` another thread evicts the key.

Expected: bug
"""

import threading
from collections import OrderedDict


class Cache:
    def __init__(self, size):
        self.size = size
        self.entries = OrderedDict()

    def get(self, key):
        if key in self.entries:
            self.entries.move_to_end(key)
            return self.entries[key]
        self.entries[key] = value = key * 2
        if len(self.entries) > self.size:
            self.entries.popitem(last=False)
        return value


def main():
    cache = Cache(1)
    cache.get(1)
    threads = [threading.Thread(target=cache.get, args=(key,)) for key in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()

"""A least-recently-used cache with a lock around everything.

Expected: ok
"""

import threading
from collections import OrderedDict


class Cache:
    def __init__(self, size):
        self.size = size
        self.entries = OrderedDict()
        self.lock = threading.RLock()

    def get(self, key):
        with self.lock:
            if key in self.entries:
                self.entries.move_to_end(key)
                return self.entries[key]
            self.entries[key] = value = key * 2
            if len(self.entries) > self.size:
                self.entries.popitem(last=False)
            return value


def main():
    cache = Cache(1)
    got = {}

    def use(key):
        got[key] = cache.get(key)

    threads = [threading.Thread(target=use, args=(key,)) for key in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == {1: 2, 2: 4, 3: 6}


if __name__ == "__main__":
    main()

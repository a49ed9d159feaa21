"""A registry of classes by name: the second registration overwrites the first instead of failing.

Expected: bug
"""

import threading


class Registry:
    def __init__(self):
        self.entries = {}

    def register(self, name, value):
        if name in self.entries:
            raise KeyError(name)
        self.entries[name] = value


def main():
    registry = Registry()
    failed = []

    def register(value):
        try:
            registry.register("codec", value)
        except KeyError:
            failed.append(value)

    threads = [threading.Thread(target=register, args=(value,)) for value in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(failed) == 1


if __name__ == "__main__":
    main()

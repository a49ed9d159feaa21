"""The same with `setdefault`, which is one step.

Expected: ok
"""

import threading


class Registry:
    def __init__(self):
        self.entries = {}

    def register(self, name, value):
        if self.entries.setdefault(name, value) is not value:
            raise KeyError(name)


def main():
    registry = Registry()
    failed = []

    def register(value):
        try:
            registry.register("codec", value)
        except KeyError:
            failed.append(value)

    threads = [threading.Thread(target=register, args=(value,)) for value in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(failed) == 1


if __name__ == "__main__":
    main()

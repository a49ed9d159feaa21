"""A free block is looked for in one critical section and taken in another.

Expected: bug
"""

import threading


def run(*bodies):
    threads = [threading.Thread(target=body) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class Vector:
    def __init__(self, size):
        self.lock = threading.Lock()
        self.used = [False] * size

    def find_free(self):
        with self.lock:
            for i, used in enumerate(self.used):
                if not used:
                    return i
        return None

    def mark(self, i):
        with self.lock:
            assert not self.used[i], f"block {i} given away twice"
            self.used[i] = True


def main():
    vector = Vector(2)

    def allocate():
        i = vector.find_free()
        if i is not None:
            vector.mark(i)

    run(allocate, allocate)


if __name__ == "__main__":
    main()

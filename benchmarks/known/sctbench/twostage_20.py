"""Two critical sections that belong together, and many threads of either kind.

Expected: bug
"""

import threading


def run(*bodies):
    threads = [threading.Thread(target=body) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


WRITERS, READERS = 10, 10


def main():
    first, second = threading.Lock(), threading.Lock()

    class Data:
        one = two = 0

    def write():
        with first:
            Data.one = 1
        with second:
            Data.two = Data.one + 1

    def read():
        with first:
            if Data.one == 0:
                return
            one = Data.one
        with second:
            assert Data.two == one + 1, (one, Data.two)

    run(*[write] * WRITERS, *[read] * READERS)


if __name__ == "__main__":
    main()

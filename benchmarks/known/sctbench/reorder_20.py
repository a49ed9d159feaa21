"""Nineteen setters write a then b without a lock, one checker looks in between.

Expected: bug
"""

import threading


def run(*bodies):
    threads = [threading.Thread(target=body) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


SETTERS = 19


def main():
    class Pair:
        a = b = 0

    def setter():
        Pair.a = 1
        Pair.b = -1

    def checker():
        a, b = Pair.a, Pair.b
        assert (a, b) in ((0, 0), (1, -1)), (a, b)

    run(*[setter] * SETTERS, checker)


if __name__ == "__main__":
    main()

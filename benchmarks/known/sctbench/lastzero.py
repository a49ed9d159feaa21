"""Threads fill an array from each other's entries while one looks for the last zero.

Expected: bug
"""

import threading


def run(*bodies):
    threads = [threading.Thread(target=body) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


N = 4


def main():
    array = [0] * (N + 1)

    def fill(j):
        def body():
            array[j] = array[j - 1] + 1

        return body

    def search():
        i = N
        while array[i] != 0:
            i -= 1
        assert array[i] == 0
        assert i == 0 or array[i - 1] == 0, "a zero behind one that is none"

    run(search, *[fill(j) for j in range(1, N + 1)])


if __name__ == "__main__":
    main()

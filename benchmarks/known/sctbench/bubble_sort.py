"""Neighbours are compared and swapped by threads of their own, without locks.

Expected: bug
"""

import threading


def run(*bodies):
    threads = [threading.Thread(target=body) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main():
    data = [3, 2, 1]

    def swap(i):
        def body():
            if data[i] > data[i + 1]:
                data[i], data[i + 1] = data[i + 1], data[i]

        return body

    for _ in range(2):
        run(swap(0), swap(1))
    assert sorted(data) == [1, 2, 3], data


if __name__ == "__main__":
    main()

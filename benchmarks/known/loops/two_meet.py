"""Each says that it is there and waits for the other.

Expected: ok
"""

import threading


class Side:
    here = False


def main():
    left, right = Side(), Side()

    def meet(mine, other):
        mine.here = True
        while not other.here:
            pass

    threads = [
        threading.Thread(target=meet, args=(left, right)),
        threading.Thread(target=meet, args=(right, left)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()

"""Each waits for the other to begin.

Expected: bug
"""

import threading


class Side:
    here = False


def main():
    left, right = Side(), Side()

    def meet(mine, other):
        while not other.here:
            pass
        mine.here = True

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

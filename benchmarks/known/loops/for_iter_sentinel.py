"""`iter(callable, sentinel)`, with and without a `for` loop.

Expected: ok
"""

import threading

flag = [False]


def look():
    return flag[0]


def main():
    thread = threading.Thread(target=lambda: flag.__setitem__(0, True))
    thread.start()
    for _ in iter(look, True):
        pass
    list(iter(look, True))
    thread.join()
    assert flag == [True]


if __name__ == "__main__":
    main()

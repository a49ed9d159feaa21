"""A thread spins on a global flag.

Expected: ok
"""

import threading

ready = False
value = 0


def setter():
    global ready, value
    value = 42
    ready = True


def main():
    thread = threading.Thread(target=setter)
    thread.start()
    while not ready:
        pass
    assert value == 42
    thread.join()


if __name__ == "__main__":
    main()

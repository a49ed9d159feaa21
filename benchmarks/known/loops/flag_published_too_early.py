"""The flag is set before the value that it announces.

Expected: bug
"""

import threading

ready = False
value = 0


def setter():
    global ready, value
    ready = True
    value = 42


def main():
    thread = threading.Thread(target=setter)
    thread.start()
    while not ready:
        pass
    assert value == 42
    thread.join()


if __name__ == "__main__":
    main()

"""A loop in a loop: neither of them does anything but wait.

Expected: ok
"""

import threading

first = second = False


def main():
    def work():
        global first, second
        first = True
        second = True

    thread = threading.Thread(target=work)
    thread.start()
    while True:
        while not first:
            pass
        if second:
            break
    thread.join()


if __name__ == "__main__":
    main()

"""A loop in a loop: the inner one ends, the outer one never does.

Expected: bug
"""

import threading

first = second = False


def main():
    global second

    def work():
        global first
        first = True

    def wait():
        while True:
            while not first:
                pass
            if second:
                break

    threads = [threading.Thread(target=body) for body in (work, wait)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    second = True


if __name__ == "__main__":
    main()

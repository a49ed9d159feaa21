"""Dekker's algorithm without the turn: both may wait for ever.

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
    wants = [False, False]

    def enter(me):
        def body():
            wants[me] = True
            while wants[1 - me]:
                pass
            wants[me] = False

        return body

    run(enter(0), enter(1))


if __name__ == "__main__":
    main()

"""Lamport's bakery for two threads.

Expected: ok
"""

import threading


def run(*bodies):
    threads = [threading.Thread(target=body) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main():
    choosing = [False, False]
    number = [0, 0]
    inside = []

    def enter(me):
        other = 1 - me

        def body():
            choosing[me] = True
            number[me] = 1 + number[other]
            choosing[me] = False
            while choosing[other]:
                pass
            while number[other] != 0 and (number[other], other) < (number[me], me):
                pass
            inside.append(me)
            assert inside == [me]
            inside.pop()
            number[me] = 0

        return body

    run(enter(0), enter(1))


if __name__ == "__main__":
    main()

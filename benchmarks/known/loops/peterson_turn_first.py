"""Peterson's mutual exclusion with its first two lines swapped.

Expected: bug
"""

import threading


def main():
    wants = [False, False]
    turn = 0
    inside = 0

    def enter(me):
        nonlocal turn, inside
        other = 1 - me
        turn = other
        wants[me] = True
        while wants[other] and turn == other:
            pass
        inside += 1
        assert inside == 1
        inside -= 1
        wants[me] = False

    threads = [threading.Thread(target=enter, args=(me,)) for me in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()

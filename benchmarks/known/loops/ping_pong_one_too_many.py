"""Two threads take turns, and one of them once more than the other.

Expected: bug
"""

import threading

turn = 0


def play(me, times):
    global turn
    for _ in range(times):
        while turn != me:
            pass
        turn = 1 - me


def main():
    threads = [threading.Thread(target=play, args=(me, 3 + 2 * me)) for me in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()

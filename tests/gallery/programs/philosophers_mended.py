"""The mended twin of `philosophers.py`."""

import threading

forks = [threading.Lock() for _ in range(3)]


def dine(seat):
    first, second = sorted((seat, (seat + 1) % 3))
    with forks[first]:
        with forks[second]:
            print("philosopher", seat, "eats")


threads = [threading.Thread(target=dine, args=(seat,)) for seat in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()

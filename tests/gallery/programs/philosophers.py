"""RP302: three philosophers, each with a fork in the left hand."""

import threading

forks = [threading.Lock() for _ in range(3)]


def dine(seat):
    left, right = forks[seat], forks[(seat + 1) % 3]
    with left:
        with right:
            print("philosopher", seat, "eats")


threads = [threading.Thread(target=dine, args=(seat,)) for seat in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()

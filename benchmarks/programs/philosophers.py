"""Dining philosophers, each of whom eats once: philosophers.py PHILOSOPHERS.

Everybody takes the fork with the lower number first, so nobody starves.
"""

import sys
import threading

seats = int(sys.argv[1])
forks = [threading.Lock() for _ in range(seats)]
meals = [0] * seats


def dine(seat):
    first, second = sorted((seat, (seat + 1) % seats))
    with forks[first], forks[second]:
        meals[seat] += 1


philosophers = [threading.Thread(target=dine, args=(seat,)) for seat in range(seats)]
for philosopher in philosophers:
    philosopher.start()
for philosopher in philosophers:
    philosopher.join()

print(f"Meals: {meals}")

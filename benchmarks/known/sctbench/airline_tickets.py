"""Sellers look at the number of sold seats, then sell: one seat too many.

Expected: bug
"""

import threading


def run(*bodies):
    threads = [threading.Thread(target=body) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


SEATS = 2


class Airline:
    sold = 0


def main():
    airline = Airline()

    def sell():
        if airline.sold < SEATS:
            airline.sold += 1

    def checked():
        sell()
        assert airline.sold <= SEATS, airline.sold

    run(*[checked] * 3)


if __name__ == "__main__":
    main()

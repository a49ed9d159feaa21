"""The auditor takes both locks.

Expected: ok
"""

import threading


def run(*bodies):
    threads = [threading.Thread(target=body) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class Account:
    def __init__(self, balance):
        self.balance = balance
        self.lock = threading.Lock()


def main():
    a, b = Account(100), Account(100)

    def transfer(one, other):
        def body():
            first, second = (a, b)
            with first.lock, second.lock:
                one.balance -= 50
                other.balance += 50

        return body

    def audit():
        with a.lock, b.lock:
            assert a.balance + b.balance == 200

    run(transfer(a, b), transfer(b, a), audit)


if __name__ == "__main__":
    main()

"""Transfers take both accounts' locks; the auditor takes them one after the other.

Expected: bug
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

    def transfer():
        with a.lock, b.lock:
            a.balance -= 50
            b.balance += 50

    def audit():
        with a.lock:
            total = a.balance
        with b.lock:
            total += b.balance
        assert total == 200, total

    run(transfer, audit)


if __name__ == "__main__":
    main()

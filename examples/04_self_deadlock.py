"""Step 4, self-deadlock: a thread waits for a lock that it holds itself.

`deposit` takes the lock and calls `update_balance`, which takes the same lock. A Lock does not know
who holds it: the second `with` waits for ever, and the other two deposits wait behind it.

This program never ends, in plain Python either: it prints one line and stands still, in every order
of its threads. Stop it with Ctrl-C, more than once if need be.

Before: 03_account_lock.py. Next: 05_rlock.py mends it with an RLock.
"""

import threading
import time
from concurrent.futures import ThreadPoolExecutor


class BankAccount:
    def __init__(self):
        self.balance = 0
        self.lock = threading.Lock()

    def deposit(self, amount):
        with self.lock:
            print(f"Depositing {amount}")
            time.sleep(0.1)
            self.update_balance(amount)

    def update_balance(self, amount):
        with self.lock:
            self.balance += amount


account = BankAccount()

with ThreadPoolExecutor(max_workers=3) as executor:
    for amount in (100, 50, 30):
        executor.submit(account.deposit, amount)

print(f"Final balance: {account.balance}")

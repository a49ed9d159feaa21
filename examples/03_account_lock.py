"""Step 3, Lock: only one thread at a time is between reading the balance and storing it.

Run it: the final balance is 1000 every time, in whatever order the three tasks get the lock.
`with self.lock:` takes the lock and gives it back, also when the block raises an exception.

Before: 02_account_race.py. Next: 04_self_deadlock.py, how a Lock can be held too long.
"""

import threading
import time
from concurrent.futures import ThreadPoolExecutor


class BankAccount:
    def __init__(self, balance):
        self.balance = balance
        self.lock = threading.Lock()

    def withdraw(self, amount):
        with self.lock:
            if self.balance >= amount:
                new_balance = self.balance - amount
                time.sleep(0.1)
                self.balance = new_balance
            else:
                raise ValueError("Insufficient balance")

    def deposit(self, amount):
        with self.lock:
            new_balance = self.balance + amount
            time.sleep(0.1)
            self.balance = new_balance


account = BankAccount(1000)

with ThreadPoolExecutor(max_workers=3) as executor:
    executor.submit(account.withdraw, 700)
    executor.submit(account.deposit, 1000)
    executor.submit(account.withdraw, 300)

print(f"Final balance: {account.balance}")

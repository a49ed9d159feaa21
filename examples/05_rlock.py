"""Step 5, RLock: the thread that holds the lock may take it again.

The same program as 04_self_deadlock.py with one letter more. An RLock remembers its owner and
counts: it is free again when the owner has left every `with` that it entered.

Run it: three deposits in some order, and the final balance is 180 every time.

Before: 04_self_deadlock.py. Next: 06_semaphore.py, when more than one thread may be inside.
"""

import threading
import time
from concurrent.futures import ThreadPoolExecutor


class BankAccount:
    def __init__(self):
        self.balance = 0
        self.lock = threading.RLock()

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

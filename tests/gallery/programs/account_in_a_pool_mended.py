"""The mended twin of `account_in_a_pool.py`."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor


class Account:
    def __init__(self, balance):
        self.balance = balance
        self.lock = threading.Lock()

    def withdraw(self, amount):
        with self.lock:
            if self.balance >= amount:
                rest = self.balance - amount
                time.sleep(0.1)
                self.balance = rest
                return True
            return False


account = Account(1000)
with ThreadPoolExecutor(max_workers=2) as pool:
    paid = list(pool.map(account.withdraw, (500, 700)))
print(account.balance, paid)

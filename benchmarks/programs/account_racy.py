"""Two withdrawals that together exceed the balance, handed to a pool of two threads."""

import time
from concurrent.futures import ThreadPoolExecutor


class BankAccount:
    def __init__(self, balance):
        self.balance = balance

    def withdraw(self, amount):
        if self.balance >= amount:
            new_balance = self.balance - amount
            time.sleep(0.1)
            self.balance = new_balance
        else:
            raise ValueError("Insufficient balance")


account = BankAccount(1000)

with ThreadPoolExecutor(max_workers=2) as executor:
    executor.submit(account.withdraw, 500)
    executor.submit(account.withdraw, 700)

print(f"Final balance: {account.balance}")

"""Step 2, the race: two withdrawals from one account that has money for only one of them.

Run it: it prints 300 or 500, and both withdrawals succeed, although 500 + 700 is more than the
account holds. Both threads see the balance of 1000 before either of them stores the new one, so one
withdrawal is lost. One after the other, the second would raise ValueError.

Next: 03_account_lock.py mends it with a Lock.
"""

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

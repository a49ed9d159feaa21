"""Step 7, Event: a flag that one thread sets and any number of threads wait for.

Every customer waits until the bank is open. Three of them also want a transaction, and wait for a
second event. Each event is set once and stays set, so it does not matter who comes first.

Run it (4 seconds): nobody gets in before the bank opens, and no transaction is made before
transactions open.

Before: 06_semaphore.py. Next: 08_condition_teller.py, when threads wait for a state of the data.
"""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

bank_open = threading.Event()
transactions_open = threading.Event()


def serve(customer):
    bank_open.wait()
    print(f"{customer['name']} is in the bank")
    if customer["transaction"]:
        transactions_open.wait()
        print(f"{customer['name']} makes a {customer['transaction']}")


customers = [
    {"name": "Ada", "transaction": "deposit"},
    {"name": "Ben", "transaction": "withdrawal"},
    {"name": "Cleo", "transaction": None},
    {"name": "Dan", "transaction": "transfer"},
]

with ThreadPoolExecutor(max_workers=4) as executor:
    for customer in customers:
        executor.submit(serve, customer)
    time.sleep(2)
    print("The bank opens")
    bank_open.set()
    time.sleep(2)
    print("Transactions open")
    transactions_open.set()

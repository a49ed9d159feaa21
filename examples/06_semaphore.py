"""Step 6, Semaphore: five customers, two tellers, so at most two customers inside at a time.

A Semaphore(2) is a counter that starts at 2. Taking it counts down and waits at zero; giving it
back counts up. It limits how many threads get in; it does not say in which order.

Run it (3 to 9 seconds): "comes in" is never printed a third time before somebody has left.

Before: 05_rlock.py. Next: 07_events.py, when threads wait for a signal.
"""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

tellers = threading.Semaphore(2)


def visit(customer):
    with tellers:
        print(f"{time.strftime('%H:%M:%S')} {customer} comes in")
        time.sleep(random.randint(1, 3))
        print(f"{time.strftime('%H:%M:%S')} {customer} leaves")


with ThreadPoolExecutor(max_workers=5) as executor:
    for number in range(1, 6):
        executor.submit(visit, f"Customer {number}")

print("The bank is empty")

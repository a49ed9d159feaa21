"""Step 8, Condition: wait until the data is as needed, and be woken when it may be.

The teller waits while the queue is empty; each arrival appends a customer and notifies. `wait`
gives the lock back while it waits. The `while` around it checks again after waking, as it must.

This program never ends, in plain Python either. All five customers are served; then the teller
waits for a notify that nobody can send any more, and the main thread waits for the teller. That is
no deadlock: nobody holds what another needs. Stop it with Ctrl-C, more than once if need be.

Before: 07_events.py. Next: 09_barrier.py, when threads wait for each other.
"""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

queue = []
customer_arrived = threading.Condition()


def teller():
    while True:
        with customer_arrived:
            while not queue:
                customer_arrived.wait()
            customer = queue.pop(0)
        print(f"Teller serves {customer}")


def arrive(customer):
    time.sleep(random.randint(1, 5))
    with customer_arrived:
        print(f"{customer} arrives")
        queue.append(customer)
        customer_arrived.notify()


with ThreadPoolExecutor(max_workers=6) as executor:
    executor.submit(teller)
    for number in range(1, 6):
        executor.submit(arrive, f"Customer {number}")

"""Step 11, the counter with a Lock: reading, adding and storing become one step for the others.

Run it: it prints 400000 every time, on every build of Python. The lock is taken once for each
increment; taking it once around the whole loop would be right too, but then the threads would run
one after the other.

Before: 10_counter_race.py and 10b_counter_attribute_race.py.
"""

import threading

counter = 0
lock = threading.Lock()


def count():
    global counter
    for _ in range(100_000):
        with lock:
            counter += 1


threads = [threading.Thread(target=count) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()

print(f"Counted: {counter}")

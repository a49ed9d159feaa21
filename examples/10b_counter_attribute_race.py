"""Step 10b, the same race on an attribute: four threads count in one object.

`self.value += 1` reads the attribute, adds and stores, just as with a global variable. That it
stands in a method changes nothing: the method can be interrupted anywhere.

Run it: with the GIL it prints 400000 nearly every time, and is wrong all the same; see
10_counter_race.py.

Next: 11_counter_lock.py, the mend.
"""

import threading


class Counter:
    def __init__(self):
        self.value = 0

    def count(self):
        for _ in range(100_000):
            self.value += 1


counter = Counter()
threads = [threading.Thread(target=counter.count) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()

print(f"Counted: {counter.value}")

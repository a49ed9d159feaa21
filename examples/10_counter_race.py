"""Step 10, the race that no longer shows: four threads count in one global variable.

`counter += 1` reads, adds and stores. A thread that is interrupted between reading and storing
overwrites what the others have counted meanwhile.

Run it: with the GIL, from Python 3.10 on, it prints 400000 nearly every time, because the
interpreter does not switch threads at that place. The program is wrong all the same; on a
free-threaded build it prints less.

Next: 10b_counter_attribute_race.py (an attribute), 11_counter_lock.py (the mend).
"""

import threading

counter = 0


def count():
    global counter
    for _ in range(100_000):
        counter += 1


threads = [threading.Thread(target=count) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()

print(f"Counted: {counter}")

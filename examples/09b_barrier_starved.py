"""Step 9b, a starved barrier: three must come, but only two can.

The same program as 09_barrier.py with a pool of 2. Two tellers wait at the barrier for the third,
whose task waits for a free thread of the pool. The barrier never opens.

This program never ends, in plain Python either: it stands still after two tellers are ready. Stop
it with Ctrl-C, more than once if need be. The mend: as many threads as the barrier has parties.

Before: 09_barrier.py. Next: 10_counter_race.py, back to the race, in its smallest form.
"""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

all_ready = threading.Barrier(3)


def prepare(teller):
    print(f"{teller} prepares")
    time.sleep(random.randint(1, 3))
    print(f"{teller} is ready")
    all_ready.wait()
    print(f"{teller} starts to serve")


with ThreadPoolExecutor(max_workers=2) as executor:
    for number in range(1, 4):
        executor.submit(prepare, f"Teller {number}")

print("The day is over")

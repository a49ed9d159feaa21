"""Step 9, Barrier: nobody goes on before all have come this far.

Three tellers take different times to prepare. A Barrier(3) lets them go when the third has called
`wait`, all at once.

Run it (up to 3 seconds): no teller starts to serve before all three are ready.

Before: 08_condition_teller.py. Next: 09b_barrier_starved.py, when too few come.
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


with ThreadPoolExecutor(max_workers=3) as executor:
    for number in range(1, 4):
        executor.submit(prepare, f"Teller {number}")

print("The day is over")

"""Step 1, threads: four tasks in a pool, and nothing shared between them.

Each task counts to three, with its own local variable. The lines of the four tasks come out mixed,
and in another order on every run. That is no race condition: the order of the lines is not a
result, and no task can disturb the counter of another.

Next: 02_account_race.py, where the tasks do share something.
"""

import threading
import time
from concurrent.futures import ThreadPoolExecutor


def count():
    for counter in range(1, 4):
        print(f"{threading.current_thread().name}: {counter}")
        time.sleep(0.1)


with ThreadPoolExecutor(max_workers=4) as executor:
    for _ in range(4):
        executor.submit(count)

print("All tasks are done")

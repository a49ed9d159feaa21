"""`while not future.done()`

Expected: ok
"""

import time
from concurrent.futures import ThreadPoolExecutor


def main():
    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(pow, 2, n) for n in (3, 4)]
        while not all(future.done() for future in futures):
            time.sleep(0.01)
        assert [future.result() for future in futures] == [8, 16]


if __name__ == "__main__":
    main()

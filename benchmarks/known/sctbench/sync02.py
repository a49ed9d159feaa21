"""A producer and a consumer with two conditions, correct.

Expected: ok
"""

import threading


def run(*bodies):
    threads = [threading.Thread(target=body) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


N = 2


def main():
    lock = threading.Lock()
    filled, emptied = threading.Condition(lock), threading.Condition(lock)
    items = []

    def produce():
        for n in range(3):
            with lock:
                while len(items) == N:
                    emptied.wait()
                items.append(n)
                filled.notify()

    def consume():
        for n in range(3):
            with lock:
                while not items:
                    filled.wait()
                assert items.pop(0) == n
                emptied.notify()

    run(produce, consume)


if __name__ == "__main__":
    main()

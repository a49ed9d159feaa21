"""The same, with the right sum.

Expected: ok
"""

import threading


def run(*bodies):
    threads = [threading.Thread(target=body) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


N = 3


def main():
    lock = threading.Lock()
    changed = threading.Condition(lock)
    state = {"number": 0, "total": 0}

    def produce():
        for i in range(1, N + 1):
            with lock:
                while state["number"] > 0:
                    changed.wait()
                state["number"] = i
                changed.notify()

    def consume():
        for _ in range(N):
            with lock:
                while state["number"] == 0:
                    changed.wait()
                state["total"] += state["number"]
                state["number"] = 0
                changed.notify()

    run(produce, consume)
    assert state["total"] == N * (N + 1) // 2


if __name__ == "__main__":
    main()

"""Two phases, each under its own lock, taken in one order by both.

Expected: ok
"""

import threading


def run(*bodies):
    threads = [threading.Thread(target=body) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main():
    first, second = threading.Lock(), threading.Lock()
    log = []

    def one():
        with first:
            with second:
                log.append("one")

    def two():
        with first:
            pass
        with second:
            log.append("two")

    run(one, two)
    assert sorted(log) == ["one", "two"]


if __name__ == "__main__":
    main()

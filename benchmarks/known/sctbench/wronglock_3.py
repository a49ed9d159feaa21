"""One thread adds under one lock, three others under another.

Expected: bug
"""

import threading


def run(*bodies):
    threads = [threading.Thread(target=body) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main():
    one, two = threading.Lock(), threading.Lock()

    class Data:
        value = 0

    def right():
        with one:
            before = Data.value
            Data.value += 1
            assert Data.value == before + 1, (before, Data.value)

    def wrong():
        with two:
            Data.value += 1

    run(right, wrong, wrong, wrong)


if __name__ == "__main__":
    main()

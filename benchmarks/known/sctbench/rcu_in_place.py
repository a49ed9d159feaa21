"""The writer changes the version that readers are looking at.

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
    writing = threading.Lock()

    class Table:
        current = {"a": 0, "b": 0}

    def update():
        with writing:
            table = Table.current
            table["a"] += 1
            table["b"] += 1

    def read():
        version = Table.current
        assert version["a"] == version["b"], version

    run(update, read)


if __name__ == "__main__":
    main()

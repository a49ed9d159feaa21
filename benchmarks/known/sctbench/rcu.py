"""Read-copy-update: readers work on the version that they got, writers publish a new one.

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
    writing = threading.Lock()

    class Table:
        current = {"a": 0, "b": 0}

    def update():
        with writing:
            new = dict(Table.current)
            new["a"] += 1
            new["b"] += 1
            Table.current = new

    def read():
        version = Table.current
        assert version["a"] == version["b"]

    run(update, update, read)
    assert Table.current == {"a": 2, "b": 2}


if __name__ == "__main__":
    main()

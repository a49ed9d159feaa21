"""Readers and writers, correct.

Expected: ok
"""

import threading


def run(*bodies):
    threads = [threading.Thread(target=body) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class ReadWrite:
    def __init__(self):
        self.readers = 0
        self.mutex = threading.Lock()
        self.write = threading.Lock()

    def start_read(self):
        with self.mutex:
            self.readers += 1
            if self.readers == 1:
                self.write.acquire()

    def end_read(self):
        with self.mutex:
            self.readers -= 1
            if self.readers == 0:
                self.write.release()


def main():
    lock = ReadWrite()
    state = {"a": 0, "b": 0}

    def reader():
        lock.start_read()
        assert state["a"] == state["b"]
        lock.end_read()

    def writer():
        with lock.write:
            state["a"] += 1
            state["b"] += 1

    run(reader, writer, reader)


if __name__ == "__main__":
    main()

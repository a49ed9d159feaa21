"""Readers count themselves in without the lock that counts them out.

Expected: bug
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
    seen = []

    def reader():
        lock.start_read()
        seen.append(1)
        lock.end_read()

    run(reader, reader)
    assert lock.readers == 0 and not lock.write.locked()


if __name__ == "__main__":
    main()

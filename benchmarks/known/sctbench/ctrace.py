"""A tracing library counts its threads without the lock that its list has.

Expected: bug
"""

import threading


def run(*bodies):
    threads = [threading.Thread(target=body) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class Tracer:
    def __init__(self):
        self.lock = threading.Lock()
        self.threads = {}
        self.count = 0

    def add(self, name):
        self.count += 1
        with self.lock:
            self.threads[name] = self.count

    def remove(self, name):
        with self.lock:
            self.threads.pop(name)
        self.count -= 1


def main():
    tracer = Tracer()

    def body(name):
        def traced():
            tracer.add(name)
            tracer.remove(name)

        return traced

    run(body("a"), body("b"))
    assert tracer.count == 0 and not tracer.threads


if __name__ == "__main__":
    main()

"""Handlers are copied under a lock before they are called.

Expected: ok
"""

import threading


class Emitter:
    def __init__(self):
        self.handlers = []
        self.lock = threading.Lock()

    def on(self, handler):
        with self.lock:
            self.handlers.append(handler)

    def off(self, handler):
        with self.lock:
            if handler in self.handlers:
                self.handlers.remove(handler)

    def emit(self):
        with self.lock:
            handlers = list(self.handlers)
        for handler in handlers:
            handler()


def main():
    emitter = Emitter()
    calls = []
    lock = threading.Lock()

    def handler():
        with lock:
            calls.append(1)

    emitter.on(handler)
    threads = [
        threading.Thread(target=emitter.emit),
        threading.Thread(target=emitter.off, args=(handler,)),
        threading.Thread(target=emitter.emit),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) <= 2 and not emitter.handlers


if __name__ == "__main__":
    main()

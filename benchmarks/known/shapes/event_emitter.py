"""Handlers take themselves off the list while it is gone through.

Expected: bug
"""

import threading


class Emitter:
    def __init__(self):
        self.handlers = {}

    def on(self, name, handler):
        self.handlers[name] = handler

    def off(self, name):
        self.handlers.pop(name, None)

    def emit(self):
        for handler in self.handlers.values():
            handler()


def main():
    emitter = Emitter()
    emitter.on("a", lambda: None)
    emitter.on("b", lambda: None)
    threads = [
        threading.Thread(target=emitter.emit),
        threading.Thread(target=emitter.off, args=("b",)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()

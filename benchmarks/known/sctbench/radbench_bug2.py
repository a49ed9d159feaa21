"""A scheduler's runtime is shut down while a context is just being registered.

Expected: bug
"""

import threading


def run(*bodies):
    threads = [threading.Thread(target=body) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class Runtime:
    def __init__(self):
        self.lock = threading.Lock()
        self.contexts = []
        self.state = "up"

    def register(self, context):
        if self.state != "up":
            return False
        with self.lock:
            self.contexts.append(context)
        return True

    def shut_down(self):
        with self.lock:
            self.state = "down"
            self.contexts.clear()


def main():
    runtime = Runtime()
    run(lambda: runtime.register("a"), runtime.shut_down, lambda: runtime.register("b"))
    assert not runtime.contexts, runtime.contexts


if __name__ == "__main__":
    main()

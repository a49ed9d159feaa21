"""Double-checked locking that publishes the object before it is set up.

Expected: bug
"""

import threading


def run(*bodies):
    threads = [threading.Thread(target=body) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class Service:
    _instance = None
    _lock = threading.Lock()

    def setup(self):
        self.ready = True

    @classmethod
    def get(cls):
        if cls._instance is None:
            with cls._lock:
                if cls._instance is None:
                    cls._instance = cls()
                    cls._instance.setup()
        return cls._instance


def main():
    def use():
        assert Service.get().ready

    run(use, use)


if __name__ == "__main__":
    main()

"""A singleton in `__new__`, with a lock and a test before it.

Expected: ok
"""

import threading


class Settings:
    _instance = None
    _lock = threading.Lock()

    def __new__(cls):
        if cls._instance is None:
            with cls._lock:
                if cls._instance is None:
                    cls._instance = super().__new__(cls)
        return cls._instance


def main():
    seen = []
    threads = [threading.Thread(target=lambda: seen.append(Settings())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(one is seen[0] for one in seen)


if __name__ == "__main__":
    main()

"""A singleton in `__new__`, without a lock.

Expected: bug
"""

import threading


class Settings:
    _instance = None

    def __new__(cls):
        if cls._instance is None:
            cls._instance = super().__new__(cls)
        return cls._instance


def main():
    seen = []
    threads = [threading.Thread(target=lambda: seen.append(Settings())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen[0] is seen[1]


if __name__ == "__main__":
    main()

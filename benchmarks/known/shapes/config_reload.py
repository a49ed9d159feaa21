"""Copy-on-write: a reload makes a new dict and stores it in one step.

Expected: ok
"""

import threading


class Config:
    def __init__(self):
        self.values = {"host": "a", "port": 1}

    def reload(self):
        self.values = {"host": "b", "port": 2}

    def address(self):
        values = self.values
        return values["host"], values["port"]


def main():
    config = Config()
    seen = []
    threads = [
        threading.Thread(target=lambda: seen.append(config.address())),
        threading.Thread(target=config.reload),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen[0] in (("a", 1), ("b", 2)), seen


if __name__ == "__main__":
    main()

"""A plugin is put into the table before it is initialised.

Expected: bug
"""

import threading


class Plugin:
    def __init__(self):
        self.commands = None

    def load(self):
        self.commands = {"run": 1}


class Loader:
    def __init__(self):
        self.plugins = {}

    def get(self, name):
        if name not in self.plugins:
            self.plugins[name] = Plugin()
            self.plugins[name].load()
        return self.plugins[name]


def main():
    loader = Loader()
    threads = [threading.Thread(target=lambda: loader.get("a").commands["run"]) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()

"""Whoever asks for a plugin first loads it; the others wait for an event.

Expected: ok
"""

import threading


class Loader:
    def __init__(self):
        self.lock = threading.Lock()
        self.plugins = {}
        self.loading = {}

    def get(self, name):
        with self.lock:
            event = self.loading.get(name)
            first = event is None
            if first:
                event = self.loading[name] = threading.Event()
        if first:
            self.plugins[name] = {"run": 1}
            event.set()
        else:
            event.wait()
        return self.plugins[name]


def main():
    loader = Loader()
    got = []
    threads = [threading.Thread(target=lambda: got.append(loader.get("a"))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(one is got[0] for one in got)


if __name__ == "__main__":
    main()

"""A property that computes its value at the first access, with a lock.

Expected: ok
"""

import threading


class Report:
    def __init__(self):
        self._rows = None
        self._lock = threading.Lock()
        self.computed = 0

    @property
    def rows(self):
        with self._lock:
            if self._rows is None:
                self.computed += 1
                self._rows = list(range(3))
            return self._rows


def main():
    report = Report()
    seen = []
    threads = [threading.Thread(target=lambda: seen.append(report.rows)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert report.computed == 1


if __name__ == "__main__":
    main()

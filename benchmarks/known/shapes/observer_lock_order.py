"""A subject calls its observers while it holds its lock; an observer asks it while holding its own.

Expected: bug
"""

import threading


class Subject:
    def __init__(self):
        self.lock = threading.Lock()
        self.value = 0
        self.observer = None

    def set(self, value):
        with self.lock:
            self.value = value
            self.observer.changed(value)

    def get(self):
        with self.lock:
            return self.value


class Observer:
    def __init__(self, subject):
        self.lock = threading.Lock()
        self.subject = subject
        self.seen = None

    def changed(self, value):
        with self.lock:
            self.seen = value

    def refresh(self):
        with self.lock:
            self.seen = self.subject.get()


def main():
    subject = Subject()
    subject.observer = Observer(subject)
    threads = [
        threading.Thread(target=subject.set, args=(1,)),
        threading.Thread(target=subject.observer.refresh),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()

"""Many producers push onto a linked list under a lock; one consumer takes all of it at once.

Expected: ok
"""

import threading


class Stack:
    def __init__(self):
        self.lock = threading.Lock()
        self.head = None

    def push(self, value):
        with self.lock:
            self.head = (value, self.head)

    def take_all(self):
        with self.lock:
            head, self.head = self.head, None
        values = []
        while head is not None:
            value, head = head
            values.append(value)
        return values[::-1]


def main():
    stack = Stack()
    threads = [threading.Thread(target=stack.push, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    got = []
    while len(got) < 3:
        got.extend(stack.take_all())
    for thread in threads:
        thread.join()
    assert sorted(got) == [0, 1, 2]


if __name__ == "__main__":
    main()

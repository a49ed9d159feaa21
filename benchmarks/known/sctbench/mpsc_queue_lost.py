"""The consumer reads the list and clears it without the lock.

Expected: bug
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
        head = self.head
        self.head = None
        values = []
        while head is not None:
            value, head = head
            values.append(value)
        return values[::-1]


def main():
    stack = Stack()
    threads = [threading.Thread(target=stack.push, args=(n,)) for n in range(2)]
    for thread in threads:
        thread.start()
    got = stack.take_all()
    for thread in threads:
        thread.join()
    got += stack.take_all()
    assert sorted(got) == [0, 1], got


if __name__ == "__main__":
    main()

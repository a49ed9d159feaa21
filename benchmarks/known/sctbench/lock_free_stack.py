"""The same stack, but every push makes a node of its own.

Expected: ok
"""

import threading


def run(*bodies):
    threads = [threading.Thread(target=body) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class Stack:
    def __init__(self):
        self._swap = threading.Lock()
        self.head = None

    def cas(self, old, new):
        with self._swap:
            if self.head is not old:
                return False
            self.head = new
            return True

    def push(self, name):
        while True:
            head = self.head
            if self.cas(head, (name, head)):
                return

    def pop(self):
        while True:
            head = self.head
            if head is None:
                return None
            if self.cas(head, head[1]):
                return head[0]


def main():
    stack = Stack()
    stack.push("a")
    got = []

    def take():
        name = stack.pop()
        if name is not None:
            got.append(name)

    run(take, take, lambda: stack.push("b"))
    while (name := stack.pop()) is not None:
        got.append(name)
    assert sorted(got) == ["a", "b"], got


if __name__ == "__main__":
    main()

"""A condition is waited for with a timeout, in a loop, and nobody makes it true.

Expected: bug
"""

import threading


def main():
    condition = threading.Condition()
    state = {"ready": False}

    def wait():
        with condition:
            while not state["ready"]:
                condition.wait(timeout=0.5)

    thread = threading.Thread(target=wait)
    thread.start()
    thread.join()


if __name__ == "__main__":
    main()

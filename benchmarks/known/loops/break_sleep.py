"""`while True`, with a break in the middle.

Expected: ok
"""

import threading
import time

state = {"done": False}


def work():
    state["result"] = 5
    state["done"] = True


def main():
    threading.Thread(target=work).start()
    while True:
        if state["done"]:
            break
        time.sleep(0.05)
    assert state["result"] == 5


if __name__ == "__main__":
    main()

"""`for ... else` with pauses taken from a tuple.

Expected: ok
"""

import threading
import time

ready = []


def main():
    thread = threading.Thread(target=ready.append, args=(1,))
    thread.start()
    for pause in (0.1, 0.2, 0.4):
        if ready:
            break
        time.sleep(pause)
    else:
        raise TimeoutError("not ready")
    thread.join()


if __name__ == "__main__":
    main()

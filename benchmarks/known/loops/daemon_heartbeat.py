"""A daemon beats for ever; the program ends all the same.

Expected: ok
"""

import threading
import time


def main():
    beats = []

    def beat():
        while True:
            time.sleep(1)
            beats.append(1)

    threading.Thread(target=beat, daemon=True).start()
    while len(beats) < 2:
        time.sleep(0.5)
    assert len(beats) >= 2


if __name__ == "__main__":
    main()

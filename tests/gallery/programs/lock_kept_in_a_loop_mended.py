"""The mended twin of `lock_kept_in_a_loop.py`."""

import threading

lock = threading.Lock()
numbers = []


def collect(texts):
    for text in texts:
        try:
            with lock:
                numbers.append(int(text))
        except ValueError:
            print("not a number:", text)


thread = threading.Thread(target=collect, args=(["1", "x", "2"],))
thread.start()
thread.join()

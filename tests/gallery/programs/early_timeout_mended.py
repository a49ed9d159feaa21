"""The mended twin of `early_timeout.py`."""

import threading

done = threading.Event()
result = {}


def compute():
    result["value"] = 42
    done.set()


thread = threading.Thread(target=compute)
thread.start()
if done.wait(timeout=1):
    print(result["value"])
else:
    print("too slow")
thread.join()

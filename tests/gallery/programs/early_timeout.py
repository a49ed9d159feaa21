"""RP206 (--timeouts any): the wait is over before the result is there."""

import threading

done = threading.Event()
result = {}


def compute():
    result["value"] = 42
    done.set()


thread = threading.Thread(target=compute)
thread.start()
done.wait(timeout=1)
print(result["value"])
thread.join()

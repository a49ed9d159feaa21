"""The mended twin of `flag_before_data.py`."""

import threading

done = False
result = None


def compute():
    global done, result
    result = 42
    done = True


def show():
    if done:
        print("twice the result is", 2 * result)


threads = [threading.Thread(target=compute), threading.Thread(target=show)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()

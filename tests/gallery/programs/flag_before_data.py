"""RP105: the flag says that the result is there, and it is not."""

import threading

done = False
result = None


def compute():
    global done, result
    done = True
    result = 42


def show():
    if done:
        print("twice the result is", 2 * result)


threads = [threading.Thread(target=compute), threading.Thread(target=show)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()

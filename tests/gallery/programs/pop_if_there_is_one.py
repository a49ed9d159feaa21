"""RP102: whether a list has an element says nothing a moment later."""

import threading

tasks = ["wash"]


def work():
    if tasks:
        print("did", tasks.pop())


threads = [threading.Thread(target=work) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()

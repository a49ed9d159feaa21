"""The mended twin of `list_loses_an_element.py`."""

import threading

names = ["ann", "bob", "cem"]
greeted = []


def greet():
    for name in list(names):
        greeted.append(name)


def leave():
    del names[0]


threads = [threading.Thread(target=greet), threading.Thread(target=leave)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(greeted), "greeted, bob" if "bob" in greeted else "greeted, not bob")

"""RP103: a list that shrinks during a loop skips an element, without a word."""

import threading

names = ["ann", "bob", "cem"]
greeted = []


def greet():
    for name in names:
        greeted.append(name)


def leave():
    del names[0]


threads = [threading.Thread(target=greet), threading.Thread(target=leave)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(greeted), "greeted, bob" if "bob" in greeted else "greeted, not bob")

"""The bakery without its `choosing` flags.

Expected: bug
"""

import threading


def run(*bodies):
    threads = [threading.Thread(target=body) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main():
    number = [0, 0]
    inside = []

    def enter(me):
        other = 1 - me

        def body():
            number[me] = 1 + number[other]
            while number[other] != 0 and (number[other], other) < (number[me], me):
                pass
            inside.append(me)
            assert inside == [me], inside
            inside.remove(me)
            number[me] = 0

        return body

    run(enter(0), enter(1))


if __name__ == "__main__":
    main()

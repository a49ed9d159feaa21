"""Peterson's algorithm for three threads.

Expected: ok
"""

import threading


def run(*bodies):
    threads = [threading.Thread(target=body) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


N = 3


def main():
    level = [0] * N
    last = [0] * N
    inside = []

    def enter(me):
        others = [n for n in range(N) if n != me]

        def body():
            for step in range(1, N):
                level[me] = step
                last[step] = me
                while last[step] == me and any(level[n] >= step for n in others):
                    pass
            inside.append(me)
            assert inside == [me], inside
            inside.pop()
            level[me] = 0

        return body

    run(*[enter(me) for me in range(N)])


if __name__ == "__main__":
    main()

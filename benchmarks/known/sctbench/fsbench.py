"""Blocks are given to inodes under the inode's lock; there is a lock too few for the blocks.

Expected: bug
"""

import threading


def run(*bodies):
    threads = [threading.Thread(target=body) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


INODES, BLOCKS, THREADS = 4, 3, 4


def main():
    inode_locks = [threading.Lock() for _ in range(INODES)]
    block_locks = [threading.Lock() for _ in range(BLOCKS - 1)]
    inodes = [0] * INODES
    busy = [False] * BLOCKS

    def create(number):
        def body():
            i = number % INODES
            with inode_locks[i]:
                if inodes[i] == 0:
                    block = (i * 2) % BLOCKS
                    while True:
                        with block_locks[block]:
                            if not busy[block]:
                                busy[block] = True
                                inodes[i] = block + 1
                                break
                        block = (block + 1) % BLOCKS

        return body

    run(*[create(number) for number in range(THREADS)])


if __name__ == "__main__":
    main()

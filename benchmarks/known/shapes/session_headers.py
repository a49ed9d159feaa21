"""A session's headers are changed for one request and put back afterwards.

Expected: bug
"""

import threading


class Session:
    def __init__(self):
        self.headers = {"accept": "json"}

    def get(self, accept):
        before = self.headers["accept"]
        self.headers["accept"] = accept
        sent = dict(self.headers)
        self.headers["accept"] = before
        return sent


def main():
    session = Session()

    def request(accept):
        assert session.get(accept)["accept"] == accept

    threads = [threading.Thread(target=request, args=(accept,)) for accept in ("xml", "text")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()

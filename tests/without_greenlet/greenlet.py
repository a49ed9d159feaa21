"""Stands in front of the real package: with this directory on the path, there is no greenlet."""

raise ImportError("this Python is to do without greenlet")

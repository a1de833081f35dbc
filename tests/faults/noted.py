"""Notes when a step begins and ends, in one file that all hosts of a soak share; a copy of this file lies in each project.

Whoever executes a step holds a lock, which goes with the process however that ends: so who begins beside another knows it.
"""

import contextlib
import fcntl
import os
import re
import time

HERE = os.path.dirname(os.path.abspath(__file__))
NOTES = os.path.join(os.path.dirname(HERE), "notes")
HOST = os.path.basename(HERE)
"""Each host has a project folder with its name."""
DAWDLE = 0.4
"""Seconds that each execution takes beside its own, so that a fault can hit it."""


def note(*words, folder=NOTES):
    """Append one line, whole."""
    with open(os.path.join(folder, "executions.txt"), "ab", buffering=0) as file:
        file.write(" ".join(map(str, words)).encode() + b"\n")


@contextlib.contextmanager
def execution(function, arguments):
    """Note one execution of a function, which is told from others by the short ones of its arguments."""
    short = [f"{name}={value}" for name, value in arguments.items() if len(str(value)) < 30]
    name = re.sub(r"[^\w=.,-]", "", ",".join([function, *short]))
    with open(os.path.join(NOTES, name + ".lock"), "ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            note("BESIDE", name, HOST)
        note("START", name, HOST, os.getpid())
        time.sleep(DAWDLE)
        yield
        note("END", name, HOST, os.getpid())

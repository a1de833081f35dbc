import json


def defined(first=None):
    global counter
    counter = len(json.dumps([first]))
    later: Unknown = helper()
    return [later for later in range(counter) if (found := later)], found, __name__


def helper():
    return counter

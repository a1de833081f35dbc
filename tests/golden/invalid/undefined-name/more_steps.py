from json import *


def made():
    return dumps(anything)

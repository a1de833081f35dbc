def forgets(rows):
    if rows:
        return None
    counted = len(rows)

    def inner():
        return counted
def writes(x, y):
    x.write_text("")

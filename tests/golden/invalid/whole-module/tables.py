ROWS = {"a": 1}

def forgotten():
    return pd.DataFrame()


def several():
    def inner():
        return np.zeros(cuont)

    return [inner() for _ in range(rows)]

from dvclive import Live

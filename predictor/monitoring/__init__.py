from datetime import timedelta

# How far back a run looks, unless another length is asked for.
WINDOW = timedelta(days=7)

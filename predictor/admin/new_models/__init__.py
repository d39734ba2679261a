"""Makes a model of an uploaded table, step by step: upload, target, doubts and form, training."""

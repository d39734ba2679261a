"""The former place of `predictor.estimators.imported`, which pickles of every build name, also of this one.

A build that reads only this name can so load what this one stores. Both classes are to be found here for as long as a
database may hold such a pickle.
"""

from predictor.estimators.imported import FrameColumn, Imported, ImportedOnFrame

__all__ = ["FrameColumn", "Imported", "ImportedOnFrame"]

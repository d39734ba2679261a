"""Every error that mlsite raises on purpose.

MlsiteError
├── RecipeError            a model.toml that cannot be used
├── DatasetError           a table that cannot be learnt from
├── TrainingError          an estimator that could not be built or fitted
├── ModelFileError         a file made elsewhere that holds no model for this site
├── CannotCompare          two versions that no common rows can tell apart
├── InvalidInput           inputs that the schema refuses, field by field
├── NoAnswer               valid inputs that the model can give no finite answer for
├── Overloaded             more is waiting for an answer already than this process can give soon
├── TooLate                an answer that did not come while somebody could wait for it
├── ModelTooLarge          a pickle above MODEL_MAX_MB
├── OutcomeChanged         an outcome that somebody else recorded in the meantime
├── NothingToRollBack      a model whose live version is the first of its log
├── ModelNotFound          a slug that no live version answers to
├── ModelNotReady          a model that has no version this process can serve
└── ArtifactError          stored bytes that must not be loaded
    ├── DamagedArtifact    chunks missing, or other bytes than were signed
    ├── WrongLibraries     made with another scikit-learn than this one
    ├── WrongCode          made with another pipeline.py than this build has
    └── UntrustedArtifact  nothing says that this site made it: it is left alone
        ├── BadSignature   the manifest is not signed with a trusted key
        ├── WrongPlace     a good manifest, but of another version or another database
        └── WrongFormat    a good manifest in a format that this build does not read
            └── RetiredFormat  or that this database accepts no more
"""

from collections.abc import Mapping


class MlsiteError(Exception):
    """The root of the tree above."""


class RecipeError(MlsiteError):
    pass


class DatasetError(MlsiteError):
    pass


class TrainingError(MlsiteError):
    pass


class ModelFileError(MlsiteError):
    pass


class CannotCompare(MlsiteError):
    pass


class InvalidInput(MlsiteError):
    """`fields` maps the name of each refused field to what is wrong with it and what would be right."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self.fields = dict(fields)
        super().__init__("; ".join(f"{name}: {message}" for name, message in self.fields.items()))


class NoAnswer(MlsiteError):
    pass


class Overloaded(MlsiteError):
    pass


class TooLate(MlsiteError):
    pass


class ModelTooLarge(MlsiteError):
    pass


class OutcomeChanged(MlsiteError):
    pass


class NothingToRollBack(MlsiteError):
    pass


class ModelNotFound(MlsiteError):
    pass


class ModelNotReady(MlsiteError):
    pass


class ArtifactError(MlsiteError):
    pass


class DamagedArtifact(ArtifactError):
    pass


class WrongLibraries(ArtifactError):
    pass


class WrongCode(ArtifactError):
    pass


class UntrustedArtifact(ArtifactError):
    """`remedy` says, as a command to the reader, how the artifact becomes trusted."""

    remedy = ""


class BadSignature(UntrustedArtifact):
    remedy = "set MODEL_SIGNING_KEY, or one of MODEL_SIGNING_KEY_FALLBACKS, to the key that signed it"


class WrongPlace(UntrustedArtifact):
    remedy = "bring back the artifact that was signed for this place"


class WrongFormat(UntrustedArtifact):
    remedy = "run the build that stored it"


class RetiredFormat(WrongFormat):
    remedy = "if an earlier build of yours stored it, sign it by `manage.py resign --accept-format-1`"


def copy_error(error: Exception) -> Exception:
    """The same error for one more thread to raise, each with a trace of its own; the very one where that cannot be."""
    try:
        return type(error)(*error.args)
    except Exception:  # Whatever its constructor wants, the thread that waits must get an error.
        return error

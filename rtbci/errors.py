"""The one exception hierarchy.

Every error that a person can cause is an :class:`RtbciError` whose text is one line that names what
is wrong, where, and what to do. The command line prints that line and exits with ``exit_code``;
anything else that escapes is a defect of the program.
"""


class RtbciError(Exception):
    """Base of all errors that the program expects; its text is one line for a person."""

    exit_code = 1


class ConfigError(RtbciError):
    """A configuration file or value that cannot be used."""


class RecipeError(RtbciError):
    """A recipe that contradicts itself or the stream that it is asked to work on."""


class ChannelError(RtbciError):
    """Channels that are missing, ambiguous or have no place on the grid."""


class UnitError(RtbciError):
    """A unit that is unknown or not a voltage."""


class StreamError(RtbciError):
    """An LSL stream that is not there or cannot be used."""


class ModelFileError(RtbciError):
    """A file that is no rtbci model, is cut off, or comes from a newer program."""


class PublishError(RtbciError):
    """A socket that cannot be opened or a message that is no rtbci message."""


class ReceiveTimeoutError(PublishError):
    """No prediction arrived within the time that the subscriber was ready to wait."""


class RecordingError(RtbciError):
    """A recording or data set that cannot be read."""


class ReplayError(RtbciError):
    """A virtual headset that cannot be played."""


class PersonFileError(RtbciError):
    """A person's file is missing, damaged, or made for another model."""


class GeneratorError(RtbciError):
    """A generator that cannot be trained on, or asked for, what a person wants."""

"""How closely a video is read."""

import enum


class Reading(enum.StrEnum):
    """One word for each way from a file to a fingerprint."""

    REFERENCE = "reference"
    """To be confirmed: densely in time, in all reference views, with the signals that partners read."""
    QUICK = "quick"
    """An upload: as few frames as will do, in the profile's query views and in what its edges suggest."""
    DEEP = "deep"
    """An upload that deserves more: frames are taken all along, close together, for its activity curve, and more views are read."""

"""The job types by name. To add one, add a file and name it here."""
from ..edit import JobType, Needs
from .crop import crop
from .overlay import needs_of_overlay, overlay
from .transcode import transcode
from .trim import trim

TYPES: dict[str, JobType] = {"overlay": overlay, "trim": trim, "crop": crop, "transcode": transcode}

NEEDS: dict[str, Needs] = {"overlay": needs_of_overlay}

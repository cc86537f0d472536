"""The job types, by name. To add one, add a file and name it here."""
from ..edit import JobType
from .crop import crop
from .overlay import overlay
from .transcode import transcode
from .trim import trim

TYPES: dict[str, JobType] = {"overlay": overlay, "trim": trim, "crop": crop, "transcode": transcode}

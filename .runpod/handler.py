"""RunPod's Hub looks for a file of this name here; the image runs gpu-worker/handler.py."""
import pathlib
import runpy

runpy.run_path(str(pathlib.Path(__file__).parent.parent / "gpu-worker" / "handler.py"), run_name=__name__)

"""What notebooks see that pytest runs: a learner without a past."""

import atexit
import os
import shutil
import tempfile

_FOLDER = tempfile.mkdtemp(prefix="iptlab-")
atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)
# kernels inherit this: what is stored must not hang on who runs the tests
os.environ["IPTLAB_PROGRESS"] = os.path.join(_FOLDER, "progress.json")
os.environ["IPTLAB_SEED"] = "0"

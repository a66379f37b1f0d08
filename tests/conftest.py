"""What every test shares."""

import os

from hypothesis import settings

# A busy machine is not a failure: hypothesis must not time single examples. Where changes are
# judged the examples are always the same; on a developer's machine they are new in every run.
settings.register_profile("iptlab", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("iptlab")

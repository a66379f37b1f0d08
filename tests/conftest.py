"""What every test shares."""

from hypothesis import settings

# A busy machine is not a failure: hypothesis must not time single examples.
settings.register_profile("iptlab", deadline=None)
settings.load_profile("iptlab")

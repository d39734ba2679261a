from hypothesis import settings

# A shared machine may be slow at any moment, which is no defect of an example.
settings.register_profile("unhurried", settings(), deadline=None)
settings.load_profile("unhurried")

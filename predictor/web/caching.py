"""How long browsers may keep what they got."""

from django.views.decorators.cache import cache_control

# For what has another address as soon as it changes.
never_changes = cache_control(public=True, immutable=True, max_age=365 * 24 * 3600)

"""The admin for reviewers. History is read-only here; reviewers promote versions and record outcomes."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

# Importing them registers them.
from predictor.admin import (  # noqa: F401
    accounts,
    api_keys,
    data_versions,
    jobs,
    outcomes,
    predictions,
    retirements,
    schedules,
    stored_recipes,
    versions,
    visitor_reports,
)
from predictor.admin.sign_in import SignInForm

admin.site.site_header = "mlsite"
admin.site.site_title = "mlsite"
admin.site.login_form = SignInForm
admin.site.index_title = _("History and versions")
admin.site.enable_nav_sidebar = False  # The lists need the width.
admin.site.index_template = "admin/predictor/index.html"

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path

from predictor.admin.history import refuse_address
from predictor.admin.sign_in import show_sign_in
from predictor.admin.tiles import show_index

admin_pages: list[URLPattern | URLResolver] = [
    path("login/", show_sign_in),
    path("", admin.site.admin_view(show_index)),
    # Django's redirect to the page of any row asks for no permission to see that row.
    path("r/<path:row>", refuse_address),
    path("", admin.site.urls),
]
# A page's address is compared with each pattern above its own: with two, for most pages.
urlpatterns = [
    path("admin/", include(admin_pages)),
    re_path("^(?=api/|invocations|ping|health|version)", include("predictor.api.urls")),
    path("", include("predictor.urls")),
]

handler400 = "predictor.web.errors.show_bad_request"
handler403 = "predictor.web.errors.show_forbidden"
handler404 = "predictor.web.errors.show_not_found"
handler500 = "predictor.web.errors.show_server_error"

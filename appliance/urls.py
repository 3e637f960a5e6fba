from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from appliance.accounts import views as accounts_views

urlpatterns = [
    path("", include("appliance.web.urls")),
    path("", include("appliance.accounts.urls")),
    path("notifications/", include("appliance.notifications.urls")),
    path("reports/", include("appliance.reports.urls")),
    path("manage/", include("appliance.manage.urls")),
    path("", include("appliance.ops.urls")),
    # one log-in and one change of passwords, with their limits and records
    path("admin/login/", accounts_views.admin_login),
    path("admin/password_change/", RedirectView.as_view(pattern_name="profile-password")),
    path("admin/", admin.site.urls),
]

handler400 = "appliance.core.views.bad_request"
handler403 = "appliance.core.views.permission_denied"
handler404 = "appliance.core.views.page_not_found"
handler500 = "appliance.core.views.server_error"

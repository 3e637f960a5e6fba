from django.urls import path

from appliance.notifications import views

urlpatterns = [
    path("", views.index, name="notifications"),
    path("badge/", views.show_badge, name="notification-badge"),
    path("mark-read/", views.mark_all_read, name="mark-notifications-read"),
    path("<int:notification_id>/mark-read/", views.mark_read, name="mark-notification-read"),
    path("settings/", views.edit_settings, name="notification-settings"),
    path("outbox/", views.outbox, name="outbox"),
    path("outbox/<int:email_id>/retry/", views.retry_email, name="retry-email"),
    path("outbox/<int:email_id>/cancel/", views.cancel_email, name="cancel-email"),
]

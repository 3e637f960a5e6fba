from django.urls import path

from appliance.notifications import views

urlpatterns = [
    path("", views.index, name="notifications"),
    path("bell/", views.bell, name="bell"),
    path("read/", views.read_all, name="read-notifications"),
    path("<int:notice_id>/read/", views.read, name="read-notice"),
    path("preferences/", views.preferences, name="notice-preferences"),
    path("outbox/", views.outbox, name="outbox"),
    path("outbox/<int:mail_id>/retry/", views.retry, name="retry-mail"),
    path("outbox/<int:mail_id>/drop/", views.drop, name="drop-mail"),
]

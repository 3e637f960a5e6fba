from django.urls import path

from appliance.reports import views

urlpatterns = [
    path("", views.index, name="reports"),
    path("export/", views.export_report, name="export-report"),
]

from django.urls import path

from appliance.ops import views

urlpatterns = [
    path("healthz", views.healthz, name="healthz"),
    path("status/", views.status, name="status"),
    path("status/root-certificate/", views.root_certificate, name="root-certificate"),
    path("status/check-search/", views.check_search, name="check-search"),
    path("status/tables/", views.tables, name="status-tables"),
    path("status/queries/", views.statements, name="status-queries"),
    path("status/queries/<str:statement_id>/", views.plan, name="status-plan"),
]

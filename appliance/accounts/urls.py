from allauth.account.views import login, reauthenticate
from django.contrib.auth.views import LogoutView
from django.urls import path

from appliance.accounts import views

urlpatterns = [
    path("login/", login, name="account_login"),
    path("register/", views.register, name="register"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("reauthenticate/", reauthenticate, name="account_reauthenticate"),
    path("reauthenticate/resume/", views.resume_form, name="resume-form"),
    path("profile/", views.profile, name="profile"),
    path("profile/password/", views.change_password, name="profile-password"),
    path("profile/confirm/", views.send_confirmation, name="send-confirmation"),
    path("confirm/<str:token>/", views.confirm_email, name="confirm-email"),
    path("welcome/<str:token>/", views.set_password, name="set-password"),
]

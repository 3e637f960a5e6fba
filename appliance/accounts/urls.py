from allauth.account.views import login, reauthenticate
from django.contrib.auth.views import LogoutView
from django.urls import path

from appliance.accounts import session_views, views

urlpatterns = [
    path("login/", login, name="account_login"),
    path("register/", views.register, name="register"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("forgot-password/", views.forgot_password, name="forgot-password"),
    path("reauthenticate/", reauthenticate, name="account_reauthenticate"),
    path("reauthenticate/resume/", views.resume_form, name="resume-form"),
    path("profile/", views.profile, name="profile"),
    path("profile/password/", views.change_password, name="profile-password"),
    path("profile/email/", views.change_address, name="profile-email"),
    path("profile/confirm/", views.send_confirmation, name="send-confirmation"),
    path("profile/sessions/", session_views.sessions, name="sessions"),
    path("profile/sessions/end/", session_views.end_other_sessions, name="end-other-sessions"),
    path("profile/sessions/<uuid:public_id>/end/", session_views.end_session, name="end-session"),
    path("session/", session_views.session_state, name="session-state"),
    path("session/continued/", session_views.session_continued, name="session-continued"),
    path("confirm/<str:token>/", views.confirm_email, name="confirm-email"),
    path("welcome/<str:token>/", views.set_password, name="set-password"),
]

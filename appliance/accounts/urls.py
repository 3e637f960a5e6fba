from allauth.account.views import reauthenticate
from django.urls import include, path

from appliance.accounts import (
    second_factor_views,
    session_views,
    single_sign_on_views,
    views,
)

# names that django-allauth knows
SECOND_FACTOR_PATTERNS = [
    path("", second_factor_views.index, name="mfa_index"),
    path("keys/", second_factor_views.list_keys, name="mfa_list_webauthn"),
    path("keys/add/", second_factor_views.add_key, name="mfa_add_webauthn"),
    path("keys/<int:pk>/edit/", second_factor_views.edit_key, name="mfa_edit_webauthn"),
    path("keys/<int:pk>/remove/", second_factor_views.remove_key, name="mfa_remove_webauthn"),
    path("app/add/", second_factor_views.activate_totp, name="mfa_activate_totp"),
    path("app/remove/", second_factor_views.deactivate_totp, name="mfa_deactivate_totp"),
    path("codes/", second_factor_views.recovery_codes, name="mfa_view_recovery_codes"),
    path(
        "codes/generate/",
        second_factor_views.generate_recovery_codes,
        name="mfa_generate_recovery_codes",
    ),
    path(
        "codes/download/",
        second_factor_views.download_recovery_codes,
        name="mfa_download_recovery_codes",
    ),
]

urlpatterns = [
    path("login/", views.login, name="account_login"),
    path("login/code/", second_factor_views.authenticate, name="mfa_authenticate"),
    path("login/passkey/", second_factor_views.login_by_passkey, name="mfa_login_webauthn"),
    path("sso/<int:pk>/", single_sign_on_views.begin, name="provider-login"),
    path("sso/<int:pk>/callback/", single_sign_on_views.callback, name="provider-callback"),
    path("sso/<int:pk>/log-out/", single_sign_on_views.log_out, name="provider-logout"),
    path("reauthenticate/code/", second_factor_views.reauthenticate, name="mfa_reauthenticate"),
    path(
        "reauthenticate/key/",
        second_factor_views.reauthenticate_by_key,
        name="mfa_reauthenticate_webauthn",
    ),
    path("profile/security/", include(SECOND_FACTOR_PATTERNS)),
    path("register/", views.register, name="register"),
    path("logout/", views.LogoutView.as_view(), name="logout"),
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

from django.urls import path

from appliance.desk.views import articles, attachments, dashboard, search, setup, tickets, writing

urlpatterns = [
    path("", dashboard.dashboard, name="dashboard"),
    path("live/", dashboard.live, name="live"),
    path("create-ticket/", tickets.create, name="create-ticket"),
    path("suggest/", tickets.suggest, name="suggest"),
    path("tickets/<int:ticket_id>/", tickets.show, name="ticket"),
    path("tickets/<int:ticket_id>/reply/", tickets.reply, name="reply"),
    path("tickets/<int:ticket_id>/update/", tickets.update, name="update-ticket"),
    path("tickets/<int:ticket_id>/conversation/", tickets.conversation, name="conversation"),
    path("tickets/<int:ticket_id>/evidence/", tickets.evidence, name="evidence"),
    path("tickets/<int:ticket_id>/presence/", writing.presence, name="presence"),
    path("tickets/<int:ticket_id>/draft/", writing.draft, name="draft"),
    path("tickets/<int:ticket_id>/mentionable/", writing.mentionable, name="mentionable"),
    path("tags/", writing.tags, name="tags"),
    path("attachments/<int:attachment_id>/", attachments.attachment, name="attachment"),
    path("articles/", articles.index, name="articles"),
    path("articles/new/", articles.write, name="write-article"),
    path("articles/<int:article_id>/", articles.show, name="article"),
    path("articles/<int:article_id>/edit/", articles.edit, name="edit-article"),
    path("search/", search.search, name="search"),
    path("setup/<str:token>/", setup.setup, name="setup"),
]

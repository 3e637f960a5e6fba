"""Pages of articles: list, help centre, history, files, votes, import."""

import io
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from appliance.accounts import services as accounts_services
from appliance.files import storage
from appliance.files.models import StoredFile
from appliance.knowledge import services as knowledge_services
from appliance.knowledge.models import Article, ArticleVote, PendingImport
from tests.browser.test_accessibility import PIXEL


def write(by, title="Blank pages", content="Shake the toner.", **more) -> Article:
    return knowledge_services.write_article(
        by=by, title=title, content=content, **{"status": "published"} | more
    )


@pytest.fixture
def article(bob) -> Article:
    return write(bob)


@pytest.fixture
def _knowledge_is_public(dan) -> None:
    accounts_services.update_site_settings(by=dan, is_knowledge_public=True)


def log_in(client, user):
    client.force_login(user)
    return client


def text_of(response) -> str:
    return response.content.decode()


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("", {"Blank pages", "Draft", "Secret"}),
        ("?status=draft", {"Draft"}),
        ("?status=archived", {"Old"}),
        ("?audience=internal", {"Secret"}),
        ("?text=toner", {"Blank pages", "Secret"}),
        ("?text=blan", {"Blank pages"}),
        ("?due=on", {"Secret"}),
        ("?sort=useful", {"Blank pages"}),
        ("?category=nothing", set()),
        ("?status=odd&owner=x&sort=odd", {"Blank pages", "Draft", "Secret"}),
    ],
)
def test_agent_filters_the_list(client, bob, alice, article, query, titles):
    write(bob, title="Draft", content="x", status="draft")
    write(bob, title="Old", content="x", status="archived")
    write(bob, title="Secret", audience="internal", review_on=timezone.localdate())
    knowledge_services.vote(article=article, by=alice, is_helpful=True)
    response = log_in(client, bob).get(reverse("articles") + query)
    assert {row.title for row in response.context["page"].rows} == titles


def test_pages_of_the_list_do_not_overlap(client, bob):
    for n in range(52):
        write(bob, title=f"Article {n}")
    page = log_in(client, bob).get(reverse("articles")).context["page"]
    second = client.get(reverse("articles"), {"after": page.next_cursor}).context["page"]
    assert (len(page.rows), len(second.rows), second.next_cursor) == (50, 2, "")
    assert not {row.pk for row in page.rows} & {row.pk for row in second.rows}


def test_reader_sees_published_articles_in_the_help_centre(client, bob, alice, article, categories):
    write(bob, title="Filed", category=categories["hardware"])
    write(bob, title="Secret", audience="internal")
    for path in (reverse("help"), reverse("articles")):
        page = text_of(log_in(client, alice).get(path))
        assert "Blank pages" in page and "Filed" in page and "Secret" not in page
    assert "Secret" not in text_of(log_in(client, bob).get(reverse("help")))
    category_page = text_of(client.get(reverse("help"), {"category": "hardware"}))
    assert "Filed" in category_page and "Blank pages" not in category_page


@pytest.mark.usefixtures("_knowledge_is_public")
def test_anonymous_reader_sees_public_articles_only(client, bob, article):
    members = write(bob, title="Members only", audience="customers")
    page = text_of(client.get(reverse("help")))
    assert "Blank pages" in page and "Members only" not in page
    assert client.get(reverse("article", args=[members.pk])).status_code == 404
    assert "Members only" not in text_of(client.get("/search/?q=toner"))


def test_image_is_shown_where_the_text_refers_to_it(client, bob, alice):
    picture = SimpleUploadedFile("the toner (1).png", PIXEL, "image/png")
    note = SimpleUploadedFile("evil.svg", b"<svg onload='x()'/>", "image/png")
    form_data = {"title": "T", "content": "![Here](the-toner-1-.png) ![x](http://e.org/x.png)"}
    form_data |= {"status": "published", "audience": "public", "files": [picture, note]}
    log_in(client, bob).post(reverse("write-article"), form_data)
    article = Article.objects.get()
    image, attachment = article.files.order_by("-name")
    page = text_of(log_in(client, alice).get(reverse("article", args=[article.pk])))
    address = reverse("article-file", args=[article.pk, image.pk])
    assert f'<img alt="Here" src="{address}">' in page or f'src="{address}" alt="Here"' in page
    assert "http://e.org" not in page
    assert client.get(address)["Content-Type"] == "image/png"
    download = client.get(reverse("article-file", args=[article.pk, attachment.pk]))
    assert "attachment" in download["Content-Disposition"]


@pytest.mark.usefixtures("_knowledge_is_public")
def test_file_is_open_to_whoever_may_read_its_article(client, bob, alice):
    log = SimpleUploadedFile("log.txt", b"words")
    article = write(bob, audience="customers", files=[log])
    path = reverse("article-file", args=[article.pk, article.files.get().pk])
    assert client.get(path).status_code == 404
    assert log_in(client, alice).get(path).status_code == 200
    knowledge_services.archive_article(article=article, by=bob)
    assert client.get(path).status_code == 404


def test_removed_file_is_deleted_from_the_disk(client, bob, django_capture_on_commit_callbacks):
    article = write(bob, files=[SimpleUploadedFile("log.txt", b"words")])
    stored = article.files.get().file
    form_data = {"title": "T", "content": "c", "status": "published", "drop": "log.txt"}
    form_data["seen_at"] = article.updated_at.isoformat()
    with django_capture_on_commit_callbacks(execute=True):
        log_in(client, bob).post(reverse("edit-article", args=[article.pk]), form_data)
    assert not StoredFile.objects.exists() and not storage.path_of(stored.pk).exists()


def test_customer_votes_once_and_can_change_the_vote(client, alice, article):
    path = reverse("vote-article", args=[article.pk])
    log_in(client, alice).post(path, {"is_helpful": "yes"})
    client.post(path, {"is_helpful": "no", "comment": "Which toner?"})
    article.refresh_from_db()
    assert (article.helpful, article.unhelpful) == (0, 1)
    assert ArticleVote.objects.get().comment == "Which toner?"
    assert "as not helpful" in text_of(client.get(reverse("article", args=[article.pk])))


@pytest.mark.usefixtures("_knowledge_is_public")
def test_anonymous_reader_votes_once_per_session(client, article):
    path = reverse("vote-article", args=[article.pk])
    for _ in range(2):
        client.post(path, {"is_helpful": "yes"})
    article.refresh_from_db()
    vote = ArticleVote.objects.get()
    assert (article.helpful, vote.user) == (1, None)
    assert client.session.session_key not in vote.session_sha256


@pytest.mark.usefixtures("_knowledge_is_public")
def test_votes_of_anonymous_readers_are_limited_by_ip_address(client, article):
    path = reverse("vote-article", args=[article.pk])
    for _ in range(65):
        client.cookies.clear()
        client.post(path, {"is_helpful": "no"})
    article.refresh_from_db()
    assert article.unhelpful == 60


def test_agent_sees_votes_and_cannot_vote(client, alice, bob, article):
    knowledge_services.vote(article=article, by=alice, is_helpful=False, comment="Which toner?")
    page = text_of(log_in(client, bob).get(reverse("article", args=[article.pk])))
    assert "Which toner?" in page and "0 of 1 reader" in page and "Was this helpful" not in page
    response = client.post(reverse("vote-article", args=[article.pk]), {"is_helpful": "yes"})
    assert response.status_code == 403


def test_buttons_change_the_status_of_an_article(client, bob, article):
    path = reverse("move-article", args=[article.pk])
    page = log_in(client, bob).post(path, {"verb": "archive"}, follow=True)
    assert "Archived" in text_of(page)
    assert "is now" in text_of(client.post(path, {"verb": "publish"}, follow=True))
    client.post(path, {"verb": "odd"})
    article.refresh_from_db()
    assert article.status == "archived"


def test_versions_are_compared_and_restored(client, bob, alice, article):
    knowledge_services.edit_article(
        article=article,
        by=bob,
        title="Blank pages",
        content="Shake <b>both</b> toners.",
        seen_at=article.updated_at,
        note="There are two",
    )
    assert "There are two" in text_of(log_in(client, bob).get(f"/articles/{article.pk}/history/"))
    page = text_of(client.get(f"/articles/{article.pk}/versions/"))
    assert "<ins>" in page and "<b>both" not in page and "both" in page
    client.post(reverse("restore-article", args=[article.pk]), {"number": 1})
    article.refresh_from_db()
    assert (article.content, article.version) == ("Shake the toner.", 3)
    for name in ("history", "versions"):
        assert log_in(client, alice).get(f"/articles/{article.pk}/{name}/").status_code == 403


def test_linked_tickets_are_shown_to_agents_who_may_see_them(client, bob, frank, alice, ticket):
    from appliance.accounts.models import Team
    from appliance.tickets import services as tickets_services

    article = write(bob)
    knowledge_services.link_ticket(article=article, ticket=ticket, by=bob)
    team = Team.objects.create(name="Night", is_closed=True)
    team.members.add(bob)
    tickets_services.set_team(ticket=ticket, team=team, by=bob)
    path = reverse("article", args=[article.pk])
    assert ticket.subject in text_of(log_in(client, bob).get(path))
    assert ticket.subject not in text_of(log_in(client, frank).get(path))
    assert ticket.subject not in text_of(log_in(client, alice).get(path))


def upload(**files: str) -> SimpleUploadedFile:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"{name}.md", text)
    return SimpleUploadedFile("kb.zip", buffer.getvalue())


def test_import_is_previewed_then_applied_with_the_same_file(client, bob, frank):
    path = reverse("import-articles")
    page = log_in(client, bob).post(path, {"file": upload(a="# Toner\n\nShake.", b="# Empty")})
    assert "Toner" in text_of(page) and "The content is missing." in text_of(page)
    assert not Article.objects.exists()
    pending = PendingImport.objects.get()
    assert log_in(client, frank).post(path, {"pending": pending.pk}).status_code == 404
    log_in(client, bob).post(path, {"pending": pending.pk})
    assert Article.objects.get().title == "Toner"
    assert not PendingImport.objects.exists() and not StoredFile.objects.exists()


def test_unsupported_import_file_is_refused(client, bob):
    response = log_in(client, bob).post(
        reverse("import-articles"), {"file": SimpleUploadedFile("x.exe", b"MZ")}
    )
    assert response.status_code == 400 and "Choose a ZIP" in text_of(response)


def test_export_contains_the_filtered_list(client, bob, article):
    write(bob, title="Secret", audience="internal")
    response = log_in(client, bob).get(reverse("export-articles"), {"audience": "internal"})
    archive = zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content)))
    assert [archive.read(name).decode().split("\n")[1] for name in archive.namelist()] == [
        "title: Secret"
    ]


def test_preview_shows_images_of_the_article_to_its_readers(client, bob, alice):
    article = write(bob, status="draft", files=[SimpleUploadedFile("t.png", PIXEL, "image/png")])
    form_data = {"text": "![Toner](t.png)"}
    path = f"{reverse('preview')}?article={article.pk}"
    assert "<img" in text_of(log_in(client, bob).post(path, form_data))
    assert "<img" not in text_of(log_in(client, alice).post(path, form_data))
    assert "<img" not in text_of(client.post(reverse("preview"), form_data))

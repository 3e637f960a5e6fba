"""The pages around an article: list, portal, history, files, votes, import."""

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
def is_public(dan) -> None:
    accounts_services.update_site_settings(by=dan, is_knowledge_public=True)


def as_(client, person):
    client.force_login(person)
    return client


def text_of(answer) -> str:
    return answer.content.decode()


@pytest.mark.parametrize(
    ("address", "found"),
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
def test_agents_narrow_the_list(client, bob, alice, article, address, found):
    write(bob, title="Draft", content="x", status="draft")
    write(bob, title="Old", content="x", status="archived")
    write(bob, title="Secret", audience="internal", review_on=timezone.localdate())
    knowledge_services.vote(article=article, by=alice, is_helpful=True)
    answer = as_(client, bob).get(reverse("articles") + address)
    assert {one.title for one in answer.context["page"].rows} == found


def test_agents_walk_the_list_in_both_directions(client, bob):
    for n in range(52):
        write(bob, title=f"Article {n}")
    page = as_(client, bob).get(reverse("articles")).context["page"]
    second = client.get(reverse("articles"), {"after": page.next_cursor}).context["page"]
    assert (len(page.rows), len(second.rows), second.next_cursor) == (50, 2, "")
    assert not {one.pk for one in page.rows} & {one.pk for one in second.rows}


def test_the_portal_shows_readers_what_is_theirs(client, bob, alice, article, categories):
    write(bob, title="Filed", category=categories["hardware"])
    write(bob, title="Secret", audience="internal")
    for path in (reverse("help"), reverse("articles")):
        page = text_of(as_(client, alice).get(path))
        assert "Blank pages" in page and "Filed" in page and "Secret" not in page
    assert "Secret" not in text_of(as_(client, bob).get(reverse("help")))
    shelf = text_of(client.get(reverse("help"), {"category": "hardware"}))
    assert "Filed" in shelf and "Blank pages" not in shelf


@pytest.mark.usefixtures("is_public")
def test_strangers_see_in_the_portal_what_is_for_everybody(client, bob, article):
    members = write(bob, title="Members only", audience="customers")
    page = text_of(client.get(reverse("help")))
    assert "Blank pages" in page and "Members only" not in page
    assert client.get(reverse("article", args=[members.pk])).status_code == 404
    assert "Members only" not in text_of(client.get("/search/?q=toner"))


def test_a_picture_is_shown_where_the_text_names_it(client, bob, alice):
    picture = SimpleUploadedFile("the toner (1).png", PIXEL, "image/png")
    note = SimpleUploadedFile("evil.svg", b"<svg onload='x()'/>", "image/png")
    words = {"title": "T", "content": "![Here](the-toner-1-.png) ![x](http://e.org/x.png)"}
    words |= {"status": "published", "files": [picture, note]}
    as_(client, bob).post(reverse("write-article"), words)
    article = Article.objects.get()
    shown, kept = article.files.order_by("-name")
    page = text_of(as_(client, alice).get(reverse("article", args=[article.pk])))
    address = reverse("article-file", args=[article.pk, shown.pk])
    assert f'<img alt="Here" src="{address}">' in page or f'src="{address}" alt="Here"' in page
    assert "http://e.org" not in page
    assert client.get(address)["Content-Type"] == "image/png"
    drawing = client.get(reverse("article-file", args=[article.pk, kept.pk]))
    assert "attachment" in drawing["Content-Disposition"]


def test_a_file_is_read_by_whoever_reads_its_article(client, bob, alice, is_public):
    log = SimpleUploadedFile("log.txt", b"words")
    article = write(bob, audience="customers", files=[log])
    path = reverse("article-file", args=[article.pk, article.files.get().pk])
    assert client.get(path).status_code == 404
    assert as_(client, alice).get(path).status_code == 200
    knowledge_services.archive_article(article=article, by=bob)
    assert client.get(path).status_code == 404


def test_a_file_taken_away_is_gone_with_its_bytes(client, bob, django_capture_on_commit_callbacks):
    article = write(bob, files=[SimpleUploadedFile("log.txt", b"words")])
    stored = article.files.get().file
    words = {"title": "T", "content": "c", "status": "published", "drop": "log.txt"}
    words["seen_at"] = article.updated_at.isoformat()
    with django_capture_on_commit_callbacks(execute=True):
        as_(client, bob).post(reverse("edit-article", args=[article.pk]), words)
    assert not StoredFile.objects.exists() and not storage.path_of(stored.pk).exists()


def test_a_customer_votes_once_and_may_think_again(client, alice, article):
    path = reverse("vote-article", args=[article.pk])
    as_(client, alice).post(path, {"is_helpful": "yes"})
    client.post(path, {"is_helpful": "no", "comment": "Which toner?"})
    article.refresh_from_db()
    assert (article.helpful, article.unhelpful) == (0, 1)
    assert ArticleVote.objects.get().comment == "Which toner?"
    assert "as not helpful" in text_of(client.get(reverse("article", args=[article.pk])))


@pytest.mark.usefixtures("is_public")
def test_a_stranger_votes_once_a_session(client, article):
    path = reverse("vote-article", args=[article.pk])
    for _ in range(2):
        client.post(path, {"is_helpful": "yes"})
    article.refresh_from_db()
    vote = ArticleVote.objects.get()
    assert (article.helpful, vote.user) == (1, None)
    assert client.session.session_key not in vote.session_sha256


@pytest.mark.usefixtures("is_public")
def test_strangers_of_one_address_cannot_vote_without_end(client, article):
    path = reverse("vote-article", args=[article.pk])
    for _ in range(65):
        client.cookies.clear()
        client.post(path, {"is_helpful": "no"})
    article.refresh_from_db()
    assert article.unhelpful == 60


def test_agents_read_the_figures_and_do_not_vote(client, alice, bob, article):
    knowledge_services.vote(article=article, by=alice, is_helpful=False, comment="Which toner?")
    page = text_of(as_(client, bob).get(reverse("article", args=[article.pk])))
    assert "Which toner?" in page and "0 of 1 reader" in page and "Was this helpful" not in page
    answer = client.post(reverse("vote-article", args=[article.pk]), {"is_helpful": "yes"})
    assert answer.status_code == 403


def test_an_article_goes_its_way_by_buttons(client, bob, article):
    path = reverse("move-article", args=[article.pk])
    page = as_(client, bob).post(path, {"verb": "archive"}, follow=True)
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
    assert "There are two" in text_of(as_(client, bob).get(f"/articles/{article.pk}/history/"))
    page = text_of(client.get(f"/articles/{article.pk}/versions/"))
    assert "<ins>" in page and "<b>both" not in page and "both" in page
    client.post(reverse("restore-article", args=[article.pk]), {"number": 1})
    article.refresh_from_db()
    assert (article.content, article.version) == ("Shake the toner.", 3)
    for name in ("history", "versions"):
        assert as_(client, alice).get(f"/articles/{article.pk}/{name}/").status_code == 403


def test_tickets_of_an_article_are_shown_to_those_who_see_them(client, bob, frank, alice, ticket):
    from appliance.accounts.models import Team
    from appliance.tickets import services as tickets_services

    article = write(bob)
    knowledge_services.link_ticket(article=article, ticket=ticket, by=bob)
    team = Team.objects.create(name="Night", is_closed=True)
    team.members.add(bob)
    tickets_services.set_team(ticket=ticket, team=team, by=bob)
    path = reverse("article", args=[article.pk])
    assert ticket.subject in text_of(as_(client, bob).get(path))
    assert ticket.subject not in text_of(as_(client, frank).get(path))
    assert ticket.subject not in text_of(as_(client, alice).get(path))


def upload(**files: str) -> SimpleUploadedFile:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as made:
        for name, text in files.items():
            made.writestr(f"{name}.md", text)
    return SimpleUploadedFile("kb.zip", packed.getvalue())


def test_an_import_is_looked_at_then_done_with_the_same_file(client, bob, frank):
    path = reverse("import-articles")
    page = as_(client, bob).post(path, {"file": upload(a="# Toner\n\nShake.", b="# Empty")})
    assert "Toner" in text_of(page) and "The content is missing." in text_of(page)
    assert not Article.objects.exists()
    pending = PendingImport.objects.get()
    assert as_(client, frank).post(path, {"pending": pending.pk}).status_code == 404
    as_(client, bob).post(path, {"pending": pending.pk})
    assert Article.objects.get().title == "Toner"
    assert not PendingImport.objects.exists() and not StoredFile.objects.exists()


def test_a_file_that_cannot_be_imported_is_named(client, bob):
    answer = as_(client, bob).post(
        reverse("import-articles"), {"file": SimpleUploadedFile("x.exe", b"MZ")}
    )
    assert answer.status_code == 400 and "Choose a ZIP" in text_of(answer)


def test_the_list_is_exported_as_it_is_narrowed(client, bob, article):
    write(bob, title="Secret", audience="internal")
    answer = as_(client, bob).get(reverse("export-articles"), {"audience": "internal"})
    packed = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
    assert [packed.read(name).decode().split("\n")[1] for name in packed.namelist()] == [
        "title: Secret"
    ]


def test_the_preview_shows_pictures_of_the_article_to_its_readers(client, bob, alice):
    article = write(bob, status="draft", files=[SimpleUploadedFile("t.png", PIXEL, "image/png")])
    words = {"text": "![Toner](t.png)"}
    path = f"{reverse('preview')}?article={article.pk}"
    assert "<img" in text_of(as_(client, bob).post(path, words))
    assert as_(client, alice).post(path, words).status_code == 404
    assert "<img" not in text_of(client.post(reverse("preview"), words))

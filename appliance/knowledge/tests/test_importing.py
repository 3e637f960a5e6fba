"""Articles from files: read whatever they were saved as, once, and never at the desk's expense."""

import io
import zipfile
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from appliance.core.errors import BadInputError, ForbiddenError
from appliance.knowledge import import_formats, import_sources, services
from appliance.knowledge.models import Article

PIXEL = bytes.fromhex("89504e470d0a1a0a0000000d49484452")  # as much of a PNG as its type needs
HEAD = "title: Blank pages\ncategory: hardware\nstatus: published\naudience: internal"
TONER = f"---\n{HEAD}\n---\nShake."


def archive(files: dict[str, str]) -> io.BytesIO:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in files.items():
            made.writestr(name, data)
    packed.name = "articles.zip"
    packed.seek(0)
    return packed


def bring(source, by=None, **more) -> dict[str, list[str]]:
    """What became of what, by title."""
    report = services.import_articles(source=source, by=by, **more)
    found: dict[str, list[str]] = {}
    for line in report.lines:
        found.setdefault(line.what, []).append(line.title or line.why)
    return found


def table(text: str, encoding: str = "utf-8") -> io.BytesIO:
    file = io.BytesIO(text.encode(encoding))
    file.name = "articles.csv"
    return file


@pytest.fixture
def folder(tmp_path: Path, categories) -> Path:
    (tmp_path / "toner.md").write_text(TONER)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "queue.html").write_text(
        "<html><head><title>Stuck queue</title><script>x()</script></head>"
        "<body><h1>Stuck queue</h1><p>Open <b>services</b>:</p><ol><li>Stop</li><li>Start</li></ol>"
        "<p onclick='x()'><a href='javascript:x()'>no</a></p></body></html>"
    )
    (tmp_path / "notes.txt").write_text("not for us")
    return tmp_path


def test_a_folder_of_markdown_and_html_becomes_articles(folder, bob, categories):
    assert bring(folder, bob) == {"created": ["Stuck queue", "Blank pages"]}
    toner, queue = Article.objects.order_by("title")
    assert (toner.content, toner.category, toner.status) == (
        "Shake.",
        categories["hardware"],
        "published",
    )
    assert (toner.audience, toner.owner, toner.version) == ("internal", bob, 1)
    assert queue.status == "draft"
    assert "Open **services**:\n\n1. Stop\n2. Start" in queue.content
    assert "script" not in queue.content and "x()" not in queue.content


def test_a_dry_run_says_the_same_and_writes_nothing(folder, bob):
    assert bring(folder, bob, dry_run=True) == {"created": ["Stuck queue", "Blank pages"]}
    assert not Article.objects.exists()


def test_the_second_time_nothing_changes(folder, bob):
    bring(folder, bob)
    assert bring(folder, bob) == {"unchanged": ["Stuck queue", "Blank pages"]}
    assert {article.version for article in Article.objects.all()} == {1}


def test_what_its_source_changed_is_updated_in_place_and_the_old_text_stays(folder, bob, dan):
    bring(folder, bob)
    (folder / "toner.md").write_text(TONER + " Twice.")
    assert bring(folder, dan) == {"unchanged": ["Stuck queue"], "updated": ["Blank pages"]}
    toner = Article.objects.get(title="Blank pages")
    assert toner.content == "Shake. Twice."
    assert [version.content for version in toner.versions.all()] == ["Shake. Twice.", "Shake."]


def test_what_was_changed_here_stays_while_its_source_says_nothing_new(folder, bob):
    bring(folder, bob)
    toner = Article.objects.get(title="Blank pages")
    services.edit_article(
        article=toner, by=bob, title=toner.title, content="Ours.", seen_at=toner.updated_at
    )
    assert "Blank pages" in bring(folder, bob)["unchanged"]
    toner.refresh_from_db()
    assert toner.content == "Ours."


def test_an_article_of_the_same_title_is_taken_for_the_same(folder, bob):
    services.write_article(by=bob, title="Blank pages", content="By hand.")
    assert bring(folder, bob)["updated"] == ["Blank pages"]
    assert Article.objects.count() == 2


def test_keys_of_two_origins_do_not_meet(folder):
    bring(folder, origin="north")
    Article.objects.update(title="Other")
    assert bring(folder, origin="south") == {"created": ["Stuck queue", "Blank pages"]}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("comma", [",", ";", "\t"])
def test_a_table_is_read_however_it_was_saved(db, encoding, comma):
    rows = [["Title", "Content", "Audience"], ["Blätter", '"Ü, ""x""; y\nz"', "customers"]]
    text = "\r\n".join(comma.join(row) for row in rows)
    assert bring(table(text, encoding)) == {"created": ["Blätter"]}
    article = Article.objects.get()
    assert (article.content, article.audience) == ('Ü, "x"; y\nz', "customers")


def test_a_bad_row_is_told_and_the_others_come_in(db):
    report = services.import_articles(
        source=table('title,content,status\nA,a,\n,b,\nC,c,gone\nD,d,draft,x\nE,e,\nF,"f\n'),
        by=None,
    )
    assert [(line.where, line.what) for line in report.lines] == [
        ("articles.csv:2", "created"),
        ("articles.csv:3", "refused"),
        ("articles.csv:4", "refused"),
        ("articles.csv:5", "refused"),
        ("articles.csv:6", "created"),
        ("articles.csv:7", "refused"),
    ]
    assert (
        "title is missing" in report.lines[1].why
        and ("Choose one of: draft") in report.lines[2].why
    )


def test_a_category_that_is_not_here_is_said_and_left_out(categories):
    source = table("title,content,category\nA,a,Plumbing\nB,b,hardware\n")
    first, second = services.import_articles(source=source, by=None).lines
    assert "Plumbing" in first.why and first.what == "created"
    assert second.why == ""


def test_two_with_one_key_are_not_the_same_article(db):
    assert bring(table("title,content\nA,a\nA,b\n")) == {"created": ["A"], "refused": ["A"]}


def test_customers_bring_nothing_in(alice, folder):
    with pytest.raises(ForbiddenError):
        bring(folder, alice)


def test_a_zip_is_read_without_its_paths(db):
    source = archive({"../../etc/passwd.md": "# Up\n\nx", "__MACOSX/a.md": "# No\n\nx"})
    assert bring(source) == {"created": ["Up"]}


def test_a_bomb_a_link_and_a_wrong_size_are_refused_unopened(db):
    source = archive({"bomb.md": "a" * 1_900_000, "fine.md": "# Fine\n\nx"})
    with zipfile.ZipFile(source, "a") as made:
        link = zipfile.ZipInfo("link.md")
        link.external_attr = 0o120777 << 16
        made.writestr(link, "/etc/passwd")
        made.writestr("large.md", b"a" * (2 * import_sources.MB + 1), zipfile.ZIP_STORED)
    found = bring(source)
    assert found["created"] == ["Fine"] and len(found["refused"]) == 3


def test_a_link_in_a_folder_is_not_followed(tmp_path, db):
    (tmp_path / "secret.txt").write_text("secret")
    inner = tmp_path / "in"
    inner.mkdir()
    (inner / "link.md").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(BadInputError, match="No Markdown"):
        bring(inner)


@pytest.mark.parametrize("name", ["x.exe", "x", ""])
def test_what_is_no_text_is_named(name, db):
    with pytest.raises(BadInputError, match="Choose a ZIP"):
        services.import_articles(source=io.BytesIO(b"x"), by=None, name=name)


def test_a_broken_zip_is_named(db):
    with pytest.raises(BadInputError, match="not a valid ZIP"):
        services.import_articles(source=io.BytesIO(b"PK\3\4nothing"), by=None, name="x.zip")


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"\xc3\x28", b"a\0b", b"\xed\xa0\x80"])
def test_what_is_no_text_inside_is_refused(data):
    with pytest.raises(BadInputError):
        import_formats.decode(data)


@pytest.mark.parametrize("text", ["<div>" * 20_000, "<b><i>" * 150, "<p>x" * 60_000])
def test_html_nested_beyond_reason_is_refused_before_it_is_cleaned(text):
    with pytest.raises(BadInputError, match="nested"):
        import_formats.from_html(text)


def test_lists_and_paragraphs_that_are_not_closed_are_not_deep():
    assert import_formats.from_html("<ul>" + "<li>x" * 1000 + "</ul>").count("- x") == 1000


def test_what_is_exported_is_read_back_unchanged(folder, bob, categories):
    bring(folder, bob)
    services.write_article(
        by=bob, title='"Quoted": a title', content="## a\n\n---\n\nb", category=categories["access"]
    )
    packed = io.BytesIO(b"".join(services.export_articles(by=bob)))
    assert set(bring(packed, bob, name="a.zip")) == {"unchanged"}
    before = {(a.title, a.content, a.category, a.status, a.audience) for a in Article.objects.all()}
    Article.objects.all().delete()
    packed.seek(0)
    assert len(bring(packed, bob, name="a.zip")["created"]) == 3
    after = {(a.title, a.content, a.category, a.status, a.audience) for a in Article.objects.all()}
    assert after == before


def test_pictures_beside_a_text_come_with_it(folder, bob):
    (folder / "deep" / "img").mkdir()
    (folder / "deep" / "img" / "the toner.png").write_bytes(PIXEL)
    (folder / "deep" / "look.md").write_text(
        "# Look\n\n![Toner](img/the%20toner.png) ![no](../../secret.png) ![far](http://e.org/x.png)"
    )
    bring(folder, bob)
    article = Article.objects.get(title="Look")
    assert [one.name for one in article.files.all()] == ["the-toner.png"]
    assert article.content.startswith("![Toner](the-toner.png) ![no](../../secret.png)")
    assert "Look" in bring(folder, bob)["unchanged"]
    (folder / "deep" / "img" / "the toner.png").write_bytes(PIXEL + b"\0")
    assert bring(folder, bob)["updated"] == ["Look"]
    assert article.files.get().file.size == len(PIXEL) + 1


def test_files_are_exported_and_read_back(bob):
    files = [SimpleUploadedFile("toner.png", PIXEL), SimpleUploadedFile("form.txt", b"words")]
    services.write_article(by=bob, title="Look", content="![Toner](toner.png)", files=files)
    packed = io.BytesIO(b"".join(services.export_articles(by=bob)))
    assert bring(packed, bob, name="a.zip") == {"unchanged": ["Look"]}
    Article.objects.all().delete()
    packed.seek(0)
    bring(packed, bob, name="a.zip")
    article = Article.objects.get()
    assert article.content == "![Toner](toner.png)"
    assert {one.name: one.file.size for one in article.files.all()} == {
        "toner.png": len(PIXEL),
        "form.txt": 5,
    }

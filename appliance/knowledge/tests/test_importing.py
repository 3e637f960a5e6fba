"""Import and export of articles, also from hostile files."""

import io
import zipfile
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from appliance.core.errors import BadInputError, ForbiddenError
from appliance.knowledge import front_matter, import_formats, import_html, import_sources, services
from appliance.knowledge.models import Article

FIELDS = ("title", "content", "category", "status", "audience")
PIXEL = bytes.fromhex("89504e470d0a1a0a0000000d49484452")  # as much of a PNG as its type needs
FRONT_MATTER = "title: Blank pages\ncategory: hardware\nstatus: published\naudience: internal"
TONER_PAGE = f"---\n{FRONT_MATTER}\n---\nShake."


def archive(files: dict[str, str]) -> io.BytesIO:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as zip_file:
        for name, data in files.items():
            zip_file.writestr(name, data)
    buffer.name = "articles.zip"
    buffer.seek(0)
    return buffer


def import_from(source, by=None, **options) -> dict[str, list[str]]:
    """Import articles; return their titles by outcome."""
    report = services.import_articles(source=source, by=by, **options)
    titles: dict[str, list[str]] = {}
    for line in report.lines:
        titles.setdefault(line.outcome, []).append(line.title or line.message)
    return titles


def csv_file(text: str, encoding: str = "utf-8") -> io.BytesIO:
    file = io.BytesIO(text.encode(encoding))
    file.name = "articles.csv"
    return file


@pytest.fixture
def folder(tmp_path: Path, categories) -> Path:
    (tmp_path / "toner.md").write_text(TONER_PAGE)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "queue.html").write_text(
        "<html><head><title>Stuck queue</title><script>x()</script></head>"
        "<body><h1>Stuck queue</h1><p>Open <b>services</b>:</p><ol><li>Stop</li><li>Start</li></ol>"
        "<p onclick='x()'><a href='javascript:x()'>no</a></p></body></html>"
    )
    (tmp_path / "notes.txt").write_text("not for us")
    return tmp_path


def test_folder_of_markdown_and_html_becomes_articles(folder, bob, categories):
    assert import_from(folder, bob) == {"created": ["Stuck queue", "Blank pages"]}
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


def test_dry_run_reports_the_same_and_saves_nothing(folder, bob):
    assert import_from(folder, bob, dry_run=True) == {"created": ["Stuck queue", "Blank pages"]}
    assert not Article.objects.exists()


def test_repeated_import_changes_nothing(folder, bob):
    import_from(folder, bob)
    assert import_from(folder, bob) == {"unchanged": ["Stuck queue", "Blank pages"]}
    assert {article.version for article in Article.objects.all()} == {1}


def test_changed_source_updates_the_article_and_keeps_the_old_version(folder, bob, dan):
    import_from(folder, bob)
    (folder / "toner.md").write_text(TONER_PAGE + " Twice.")
    assert import_from(folder, dan) == {"unchanged": ["Stuck queue"], "updated": ["Blank pages"]}
    toner = Article.objects.get(title="Blank pages")
    assert toner.content == "Shake. Twice."
    assert [version.content for version in toner.versions.all()] == ["Shake. Twice.", "Shake."]


def test_local_edit_survives_an_unchanged_source(folder, bob):
    import_from(folder, bob)
    toner = Article.objects.get(title="Blank pages")
    services.edit_article(
        article=toner, by=bob, title=toner.title, content="Ours.", seen_at=toner.updated_at
    )
    assert "Blank pages" in import_from(folder, bob)["unchanged"]
    toner.refresh_from_db()
    assert toner.content == "Ours."


def test_article_with_the_same_title_is_updated(folder, bob):
    services.write_article(by=bob, title="Blank pages", content="By hand.")
    assert import_from(folder, bob)["updated"] == ["Blank pages"]
    assert Article.objects.count() == 2


def test_keys_of_two_origins_do_not_collide(folder):
    import_from(folder, origin="north")
    Article.objects.update(title="Other")
    assert import_from(folder, origin="south") == {"created": ["Stuck queue", "Blank pages"]}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_is_read_in_any_encoding_and_with_any_delimiter(db, encoding, delimiter):
    rows = [["Title", "Content", "Audience"], ["Blätter", '"Ü, ""x""; y\nz"', "customers"]]
    text = "\r\n".join(delimiter.join(row) for row in rows)
    assert import_from(csv_file(text, encoding)) == {"created": ["Blätter"]}
    article = Article.objects.get()
    assert (article.content, article.audience) == ('Ü, "x"; y\nz', "customers")


def test_invalid_rows_are_reported_and_the_others_imported(db):
    report = services.import_articles(
        source=csv_file(
            'title,content,status\nA,a,\n,b,\nC,c,gone\nD,d,draft,x\nE,e\nF\nG,"1\n2",,,\nH,"h\nI,i\n'
        ),
        by=None,
    )
    assert [(line.location, line.outcome) for line in report.lines] == [
        ("articles.csv:2", "created"),
        ("articles.csv:3", "refused"),
        ("articles.csv:4", "refused"),
        ("articles.csv:5", "refused"),
        ("articles.csv:6", "created"),
        ("articles.csv:7", "refused"),
        ("articles.csv:8", "created"),
        ("articles.csv:9", "refused"),
    ]
    messages = [line.message for line in report.lines]
    assert messages[1] == "The title is missing."
    assert "“gone” is not a valid value for status. Choose one of: draft" in messages[2]
    assert "This row has 4 cells, but there are 3 columns" in messages[3]
    assert "This row has 1 cell, but there are 3 columns" in messages[5]
    assert messages[7].startswith("A quotation mark in this row is not closed.")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The first row must contain the column names"),
        ("Titel;Inhalt\nA;a\n", "The first row must contain the column names"),
        ("title,content,Title\nA,a,b\n", "contains the column “title” twice"),
        ("title,content\n", "The table has no rows"),
        ('title,content\nA,"a"b\nC,c\n', "neither doubled nor at the end of its cell"),
        (f'title,content\nA,"{"x" * 800_001}"\n', "A cell of this row is longer than 800000"),
        ("title,content\nA,a\nB,b\0\n", "Line 3 contains a null byte"),
    ],
)
def test_table_that_cannot_be_read_says_why(db, text, message):
    [line] = services.import_articles(source=csv_file(text), by=None).lines
    assert line.outcome == "refused"
    assert message in line.message


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\ntitle;content\nA, b;c",
        '"sep=;"\r\ntitle;content\r\nA, b;c',
        "sep=\t\ntitle\tcontent\nA, b\tc",
        '\ufefftitle;"a, b, c";content\nA, b;;c',
        "title|content\nA, b|c",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be"])
def test_table_of_a_spreadsheet_is_read(db, text, encoding):
    assert import_from(csv_file(text, encoding)) == {"created": ["A, b"]}
    assert Article.objects.get().content == "c"


def test_column_that_is_not_imported_is_named_once(db):
    source = csv_file("title,content,author\nA,a,x\nB,b,y\n")
    lines = services.import_articles(source=source, by=None).lines
    assert [line.message for line in lines] == ["Not imported: author.", ""]


def test_unknown_category_is_reported_and_left_out(categories):
    source = csv_file("title,content,category\nA,a,Plumbing\nB,b,hardware\n")
    first, second = services.import_articles(source=source, by=None).lines
    assert "Plumbing" in first.message and first.outcome == "created"
    assert second.message == ""


def test_second_article_with_the_same_key_is_refused(db):
    assert import_from(csv_file("title,content\nA,a\nA,b\n")) == {
        "created": ["A"],
        "refused": ["A"],
    }


def test_customer_cannot_import(alice, folder):
    with pytest.raises(ForbiddenError):
        import_from(folder, alice)


def test_paths_inside_an_archive_are_ignored(db):
    source = archive({"../../etc/passwd.md": "# Up\n\nx", "__MACOSX/a.md": "# No\n\nx"})
    assert import_from(source) == {"created": ["Up"]}


def test_zip_bomb_link_and_oversized_file_are_refused_unopened(db):
    source = archive({"bomb.md": "a" * 1_900_000, "fine.md": "# Fine\n\nx"})
    with zipfile.ZipFile(source, "a") as zip_file:
        link = zipfile.ZipInfo("link.md")
        link.external_attr = 0o120777 << 16
        zip_file.writestr(link, "/etc/passwd")
        zip_file.writestr("large.md", b"a" * (2 * import_sources.MB + 1), zipfile.ZIP_STORED)
    titles = import_from(source)
    assert titles["created"] == ["Fine"]
    assert len(titles["refused"]) == 3


def test_link_in_a_folder_is_not_followed(tmp_path, db):
    (tmp_path / "secret.txt").write_text("secret")
    inner = tmp_path / "in"
    inner.mkdir()
    (inner / "link.md").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(BadInputError, match="No Markdown"):
        import_from(inner)


@pytest.mark.parametrize("name", ["x.exe", "x", ""])
def test_file_of_another_type_is_refused(name, db):
    with pytest.raises(BadInputError, match="Choose a ZIP"):
        services.import_articles(source=io.BytesIO(b"x"), by=None, name=name)


def test_damaged_archive_is_refused(db):
    with pytest.raises(BadInputError, match="not a valid ZIP"):
        services.import_articles(source=io.BytesIO(b"PK\3\4nothing"), by=None, name="x.zip")


def page_file(text: str | bytes, name: str = "page.md") -> io.BytesIO:
    file = io.BytesIO(text.encode() if isinstance(text, str) else text)
    file.name = name
    return file


@pytest.mark.parametrize(
    ("lines", "title"),
    [
        ("title: >-\n  Blank\n  pages", "Blank pages"),
        ("title: |\n  Blank\n  pages\n", "Blank pages"),
        ("title: 'It''s: blank'", "It's: blank"),
        ('title: "Blank \\"pages\\""', 'Blank "pages"'),
        ("Title: No", "No"),
        ("title: 2027-03-31", "2027-03-31"),
        ("title: 1e3 # a comment", "1e3"),
        ("title: ~", "Heading"),
        ("{title: Blank, category: hardware}", "Blank"),
    ],
)
def test_front_matter_is_read_as_yaml(db, lines, title):
    source = page_file(f"---\n{lines}\n---\n# Heading\n\nx")
    assert import_from(source, name="page.md") == {"created": [title]}


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("status: draft\ntitle: a: b", "Line 3, “title”: this is not valid YAML"),
        ("title: 'open\nstatus: draft", "Line 2, “title”: this is not valid YAML"),
        ("title: x\n\tstatus: draft", "Line 3, “status”: this is not valid YAML"),
        ("title: x\x07", "Line 2, “title”: this is not valid YAML"),
        ("title: [a, b]", "Line 2, “title”: this must be a text"),
        ("title: x\ncategory:\n  name: y", "Line 3, “category”: this must be a text"),
        ("title: x\ntitle: y", "Line 3, “title”: this key occurs twice"),
        ("title: x\nstatus: true", "Line 3, “status”: “true” is not a valid value for status"),
        ("review_on: soon", "Line 2, “review_on”: “soon” is not a valid date for review_on"),
        ("a: &a x\ntitle: *a", "Line 3, “title”: references (*name) are not supported"),
        ("title: !!python/object/apply:os.system [x]", "Line 2, “title”: this must be a text"),
        ("a: " + "[" * 5000, "Line 2, “a”: this is too deeply nested"),
        ("title: x\na: " + "b" * 20_000, "The front matter is longer than 20000 characters"),
    ],
)
def test_front_matter_that_cannot_be_read_names_line_and_key(db, lines, message):
    source = page_file(f"---\n{lines}\n---\n# Heading\n\nx")
    [line] = services.import_articles(source=source, by=None, name="page.md").lines
    assert line.outcome == "refused"
    assert message in line.message


def test_unknown_keys_are_named_and_the_article_imported(db):
    source = page_file("---\ntitle: A\ntags: [x, y]\ndraft: true\n---\nx")
    [line] = services.import_articles(source=source, by=None, name="page.md").lines
    assert (line.outcome, line.message) == ("created", "Not imported: tags, draft.")


@pytest.mark.parametrize(
    "text", ["---\nA rule above\n---\nend", "---\n\ntext: more\n\n---\nend", "---\n- a\n---\nend"]
)
def test_text_between_two_rules_is_no_front_matter(text):
    assert front_matter.split(text, ["title"]) == (front_matter.FrontMatter(), text)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("Größe".encode("utf-16"), "Größe"),
        ("<p>Größe</p>".encode("utf-16-le"), "<p>Größe</p>"),
        (b"<meta charset=windows-1250><p>\xb3\xf3d", "<meta charset=windows-1250><p>łód"),
        (
            b'<meta content="text/html; charset=iso-8859-1">\x80',
            '<meta content="text/html; charset=iso-8859-1">€',
        ),
        ("<meta charset=latin1>Größe".encode(), "<meta charset=latin1>Größe"),
    ],
)
def test_encoding_is_detected(data, text):
    assert import_formats.decode(data) == text


@pytest.mark.parametrize("name", ["", "nonsense", "base64", "punycode", "utf-8", "unicode_escape"])
def test_text_of_an_unknown_encoding_is_refused_with_its_line(name):
    with pytest.raises(BadInputError, match="see line 2"):
        import_formats.decode(f"<meta charset={name}>\n".encode() + b"\xe9")


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"\xc3\x28", b"a\0b", b"\xed\xa0\x80"])
def test_binary_content_is_refused(data):
    with pytest.raises(BadInputError):
        import_formats.decode(data)


@pytest.mark.parametrize("text", ["<div>" * 20_000, "<b><i>" * 150, "<p>x" * 60_000])
def test_deeply_nested_html_is_refused(text):
    with pytest.raises(BadInputError, match="nested"):
        import_html.read_page(text)


def test_unclosed_list_items_do_not_count_as_nested():
    assert import_html.read_page("<ul>" + "<li>x" * 1000).content.count("- x") == 1000


def test_export_can_be_imported_again_unchanged(folder, bob, categories, acting_as_owner):
    import_from(folder, bob)
    services.write_article(
        by=bob, title='"Quoted": a title', content="## a\n\n---\n\nb", category=categories["access"]
    )
    exported = io.BytesIO(b"".join(services.export_articles(by=bob)))
    assert set(import_from(exported, bob, name="a.zip")) == {"unchanged"}
    before = set(Article.objects.values_list(*FIELDS))
    with acting_as_owner():  # nobody else may delete versions
        Article.objects.all().delete()
    exported.seek(0)
    assert len(import_from(exported, bob, name="a.zip")["created"]) == 3
    assert set(Article.objects.values_list(*FIELDS)) == before


def test_images_beside_a_text_are_imported(folder, bob):
    (folder / "deep" / "img").mkdir()
    (folder / "deep" / "img" / "the toner.png").write_bytes(PIXEL)
    (folder / "deep" / "look.md").write_text(
        "# Look\n\n![Toner](img/the%20toner.png) ![no](../../secret.png) ![far](http://e.org/x.png)"
    )
    import_from(folder, bob)
    article = Article.objects.get(title="Look")
    assert [file.name for file in article.files.all()] == ["the-toner.png"]
    assert article.content.startswith("![Toner](the-toner.png) ![no](../../secret.png)")
    assert "Look" in import_from(folder, bob)["unchanged"]
    (folder / "deep" / "img" / "the toner.png").write_bytes(PIXEL + b"\0")
    assert import_from(folder, bob)["updated"] == ["Look"]
    assert article.files.get().file.size == len(PIXEL) + 1


def test_attached_files_are_exported_and_imported_again(bob, acting_as_owner):
    files = [SimpleUploadedFile("toner.png", PIXEL), SimpleUploadedFile("form.txt", b"words")]
    services.write_article(by=bob, title="Look", content="![Toner](toner.png)", files=files)
    exported = io.BytesIO(b"".join(services.export_articles(by=bob)))
    assert import_from(exported, bob, name="a.zip") == {"unchanged": ["Look"]}
    with acting_as_owner():  # nobody else may delete versions
        Article.objects.all().delete()
    exported.seek(0)
    import_from(exported, bob, name="a.zip")
    article = Article.objects.get()
    assert article.content == "![Toner](toner.png)"
    assert {file.name: file.file.size for file in article.files.all()} == {
        "toner.png": len(PIXEL),
        "form.txt": 5,
    }

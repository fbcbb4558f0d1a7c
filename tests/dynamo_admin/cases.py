"""What the adapter promises, on whichever Django runs it. ``test_adapter`` runs these in a process of their own.

Each test that guards a private API of Django or PynamoDB is named in the adapter's README.
"""

import re
import uuid
from dataclasses import replace

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import NotSupportedError, transaction
from django.db.models import Q
from django.test import Client, RequestFactory
from pynamodb.exceptions import QueryError

from dynamo_admin import query
from dynamo_admin.errors import InvalidFields, WriteRefused
from dynamo_admin.reading import Reads
from tests.dynamo_admin import library
from tests.dynamo_admin.library import SHARDS, Book, LibraryBook

LIST = "/admin/dynamo_admin/librarybook/"
FORM = {"genre": "novel", "pages": "100", "authors": "Ann\nBob", "published": "2020-02-29"}


@pytest.fixture
def shelf():
    return uuid.uuid4().hex


@pytest.fixture
def put(shelf):
    """Return a function that stores a book: ``put("Emma", pages=400)``."""
    made = []

    def store(title, **values):
        made.append(title)
        number = f"{len(made):04}"
        stamp = f"2026-01-01T00:00:{len(made):02}.000000Z"
        book = Book(shelf, number, title=title, created_at=stamp, version=1, **values)
        book.shard, book.age = f"BOOK#{len(made) % SHARDS}", f"{stamp}#{shelf}.{number}"
        book.save()
        return f"{shelf}.{number}"

    return store


@pytest.fixture
def client():
    return Client()


def titles(page):
    return re.findall(r"field-title[^>]*><a [^>]*>([^<]*)<", page.content.decode())


def test_the_list_shows_a_book_and_its_form_changes_it(client, put, shelf):
    key = put("Emma")
    assert titles(client.get(f"{LIST}?shelf__exact={shelf}")) == ["Emma"]
    answer = client.post(
        f"{LIST}{key}/change/",
        {**FORM, "title": "Persuasion", "shelf": shelf, "number": "0001", "_version": "1"},
    )
    assert answer.status_code == 302, answer.content.decode()
    book = Book.get(shelf, "0001")
    assert (book.title, book.pages, book.authors, book.published, book.version) == (
        "Persuasion", 100, ["Ann", "Bob"], "2020-02-29", 2,
    )  # fmt: skip


def test_fields_come_from_the_attributes_and_the_schema():
    fields = {field.name: field for field in LibraryBook._meta.concrete_fields}
    assert list(fields) == ["key", *LibraryBook.show]
    assert fields["title"].max_length == 40
    assert [value for value, _ in fields["genre"].choices] == ["novel", "essay"]
    assert fields["published"].get_internal_type() == "DateField"
    assert fields["created_at"].get_internal_type() == "DateTimeField"
    assert (fields["pages"].null, fields["title"].blank) == (True, False)


def test_declarations_are_inherited():
    class Shelved(LibraryBook.__base__):
        schema = LibraryBook.schema

        class Meta:
            abstract = True
            app_label = "dynamo_admin"
            ordering = ["-title"]

    class Novel(Shelved):
        item, reader = Book, LibraryBook.reader

    assert Novel._meta.get_field("title").max_length == 40
    assert (Novel._meta.ordering, Novel._meta.managed) == (["-title"], False)


def test_add(client, shelf):
    assert client.get(f"{LIST}add/").status_code == 200
    answer = client.post(f"{LIST}add/", {**FORM, "title": "New", "shelf": shelf, "number": "7"})
    assert answer.status_code == 302, answer.content.decode()
    assert Book.get(shelf, "7").title == "New"
    again = client.post(f"{LIST}add/", {**FORM, "title": "Again", "shelf": shelf, "number": "7"})
    assert again.status_code == 200
    assert Book.get(shelf, "7").title == "New"


def test_a_stale_form_is_refused(client, put, shelf):
    key = put("Emma")
    mine = {**FORM, "title": "Mine", "shelf": shelf, "number": "0001", "_version": "1"}
    client.post(f"{LIST}{key}/change/", {**mine, "title": "Theirs"})
    page = client.post(f"{LIST}{key}/change/", mine)
    assert "somebody else changed this" in page.content.decode()
    assert 'name="_version" value="1"' in page.content.decode()
    assert Book.get(shelf, "0001").title == "Theirs"


def test_delete(client, put, shelf):
    key = put("Emma")
    assert "Book: Emma" in client.get(f"{LIST}{key}/delete/").content.decode()
    assert client.post(f"{LIST}{key}/delete/", {"post": "yes", "_version": "1"}).status_code == 302
    assert not list(Book.query(shelf))


@pytest.mark.parametrize("seen", ["", "0", "2", "x", "9" * 20])
def test_a_stale_deletion_is_refused(client, put, seen):
    key = put("Emma")
    assert 'name="_version" value="1"' in client.get(f"{LIST}{key}/delete/").content.decode()
    page = client.post(f"{LIST}{key}/delete/", {"post": "yes", "_version": seen}, follow=True)
    assert "Not deleted: somebody else changed this" in page.content.decode()
    assert "Book: Emma" in page.content.decode()


def test_delete_selected(client, put, shelf):
    keys = [put("One"), put("Two")]
    data = {"action": "delete_selected", "_selected_action": keys, "post": "yes"}
    assert client.post(f"{LIST}?shelf__exact={shelf}", data).status_code == 302
    assert not list(Book.query(shelf))


def test_history_and_index_need_no_table(client, put):
    key = put("Emma")
    assert "Change history: Emma" in client.get(f"{LIST}{key}/history/").content.decode()
    assert client.get("/admin/").status_code == 200


def test_missing_objects(client, shelf):
    for page in ("change", "delete", "history"):
        assert client.get(f"{LIST}{shelf}.9/{page}/").status_code == 302
        assert client.get(f"{LIST}nonsense/{page}/").status_code == 302


def test_pages_by_cursor(client, put, shelf, monkeypatch):
    monkeypatch.setattr(library.LibraryAdmin, "list_per_page", 3)
    made = [put(f"Book {number}").partition(".")[2] for number in range(8)]
    seen, url = [], f"{LIST}?shelf__exact={shelf}"
    while url:
        page = client.get(url)
        seen += titles(page)
        following = re.search(r'<a href="([^"]*)" rel="next">', page.content.decode())
        url = following and LIST + following[1].replace("&amp;", "&")
    assert seen == [f"Book {number}" for number in reversed(range(len(made)))]


def test_a_path_in_an_order_of_its_own(client, shelf, monkeypatch):
    """By number a shelf is in order by itself; by age, as lists are, it is sorted, and paged by number of rows."""
    own, feed = LibraryBook.reader.paths
    reader = replace(LibraryBook.reader, paths=(replace(own, order="number"), feed))
    monkeypatch.setattr(LibraryBook, "reader", reader)
    for number, second in enumerate((3, 1, 2)):
        stamp = f"2026-01-01T00:00:0{second}.000000Z"
        Book(shelf, f"{number:04}", title=f"Book {second}", created_at=stamp).save()
    books = LibraryBook.objects.filter(shelf=shelf)
    assert titles(client.get(f"{LIST}?shelf__exact={shelf}")) == ["Book 3", "Book 2", "Book 1"]
    assert [book.title for book in books.page("1", 1).objects] == ["Book 2"]
    assert not books.in_order()
    assert books.order_by("number").in_order()
    assert [book.title for book in books.order_by("number").page(None, 2).objects] == ["Book 3", "Book 1"]


def test_the_feed_merges_its_shards(put, shelf):
    for number in range(9):
        put(f"Book {number}")
    reads = Reads()
    criteria = LibraryBook.objects.filter(created_at__gte="2026-01-01T00:00:00Z").criteria()
    rows = [row for _, row in LibraryBook.reader.rows(criteria, reads) if row["shelf"] == shelf]
    assert [row["title"] for row in rows] == [f"Book {number}" for number in reversed(range(9))]


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        (Q(title="Emma"), ["Emma"]),
        (~Q(title="Emma"), ["Ulysses", "Dubliners"]),
        (Q(pages__gte=300) & Q(pages__lt=900), ["Dubliners", "Emma"]),
        (Q(title__icontains="EM") | Q(genre="essay"), ["Ulysses", "Emma"]),
        (Q(genre__isnull=True), ["Dubliners"]),
        (Q(title__in=["Emma", "Ulysses"]), ["Ulysses", "Emma"]),
        (Q(published__year=2000), NotSupportedError),
        (Q(title__regex="E"), NotSupportedError),
    ],
)
def test_conditions(put, shelf, condition, found):
    put("Emma", pages=400, genre="novel")
    put("Dubliners", pages=300)
    put("Ulysses", pages=900, genre="essay")
    rows = LibraryBook.objects.filter(condition, shelf=shelf)
    if found is NotSupportedError:
        with pytest.raises(NotSupportedError):
            list(rows)
    else:
        assert [row.title for row in rows] == found


def test_order(put, shelf):
    put("b", pages=2), put("A", pages=None), put("c", pages=1)
    rows = LibraryBook.objects.filter(shelf=shelf)
    assert [row.title for row in rows.order_by("title")] == ["A", "b", "c"]
    assert [row.title for row in rows.order_by("-pages")] == ["b", "c", "A"]
    assert [row.title for row in rows.order_by("created_at")] == ["b", "A", "c"]


def test_too_much_is_refused_not_cut_off(put, shelf, monkeypatch):
    monkeypatch.setattr(query, "READ_BUDGET", 2)
    for number in range(4):
        put(f"Book {number}")
    with pytest.raises(query.TooMuchToRead):
        LibraryBook.objects.filter(shelf=shelf).count()
    assert LibraryBook.objects.filter(shelf=shelf).order_by("title").page(None, 10).unsorted


def test_export(client, put, shelf):
    put("=SUM(A1)", pages=3)
    answer = client.get(f"{LIST}export.csv?shelf__exact={shelf}")
    assert "'=SUM(A1)" in answer.content.decode()


def test_an_export_that_cannot_be_read_goes_back_to_the_list_which_says_why(client, monkeypatch):
    monkeypatch.setattr(
        LibraryBook, "reader", replace(LibraryBook.reader, paths=LibraryBook.reader.paths[:1])
    )
    page = client.get(f"{LIST}export.csv", follow=True)
    assert page.redirect_chain == [(f"{LIST}?", 302)]
    assert page.content.decode().count("Filter the list first") == 1


def test_a_table_that_does_not_answer_is_said_so_and_what_it_said_is_logged(client, monkeypatch, caplog):
    def refuse(*args, **kwargs):
        raise QueryError("the network is down")

    monkeypatch.setattr(Book, "query", refuse)
    page = client.get(f"{LIST}?shelf__exact=x").content.decode()
    assert "DynamoDB did not do this. The log says why." in page
    assert "the network is down" not in page
    assert "the network is down" in caplog.text


def test_viewing_only(client, put, monkeypatch):
    monkeypatch.setattr(library.Somebody, "may", frozenset({"view"}))
    key = put("Emma")
    assert 'name="_save"' not in client.get(f"{LIST}{key}/change/").content.decode()
    assert client.post(f"{LIST}{key}/change/", {"title": "x"}).status_code == 403
    assert client.get(f"{LIST}add/").status_code == 403


def test_no_sql_ever(put, shelf):
    with transaction.atomic():
        assert LibraryBook.objects.filter(shelf=shelf).count() == 0
    with pytest.raises(ImproperlyConfigured):
        LibraryBook(title="x").save()
    for name in ("delete", "update", "values_list", "aggregate"):
        with pytest.raises(NotSupportedError):
            getattr(LibraryBook.objects.all(), name)()


def test_a_valid_form_has_written_nothing(put, shelf):
    book = LibraryBook.objects.get(key=put("Emma"))
    admin = library.site._registry[LibraryBook]
    request = RequestFactory().post("/", {"_version": "1"})
    form = admin.get_form(request, book, change=True)(
        {**FORM, "title": "Persuasion", "shelf": shelf, "number": "0001"}, instance=book
    )
    assert form.is_valid(), form.errors
    assert Book.get(shelf, "0001").title == "Emma"
    admin.save_model(request, book, form, change=True)
    assert (Book.get(shelf, "0001").title, book.version) == ("Persuasion", 2)


@pytest.mark.parametrize(
    ("refusal", "shown"),
    [
        (InvalidFields({"title": ["Not a title."], "": ["Not a book."]}), ["Not a title.", "Not a book."]),
        (WriteRefused("The library is closed."), ["The library is closed."]),
    ],
)
def test_a_refused_write_is_tried_once_and_shown_on_the_form(client, put, shelf, monkeypatch, refusal, shown):
    calls = []

    def change_item(self, *args):
        calls.append("write")
        raise refusal

    get = Book.get
    monkeypatch.setattr(library.LibraryAdmin, "change_item", change_item)
    monkeypatch.setattr(Book, "get", lambda *args, **kwargs: calls.append("read") or get(*args, **kwargs))
    page = client.post(
        f"{LIST}{put('Emma')}/change/",
        {**FORM, "title": "Mine", "shelf": shelf, "number": "0001", "_version": "1"},
    ).content.decode()
    assert calls == ["read", "write"]
    assert [text for text in shown if text not in page] == []
    assert 'value="Mine"' in page


@pytest.mark.parametrize(
    ("query", "measured", "most"),
    [
        (f"shelf__exact={'x' * 501}", "501", "500"),
        (f"q={'+'.join(['word'] * 101)}", "", "100"),
        (f"shelf__exact=x&after={'x' * 1025}", "1,025", "1,024"),
    ],
)
def test_a_list_is_asked_for_so_much(client, put, query, measured, most):
    put("Emma")
    page = client.get(f"{LIST}?{query}").content.decode()
    assert f"The filters and the search are too long: {measured}" in page
    assert f"and at most {most} are possible." in page


def spoil(key, **typed):
    """Overwrite attributes of a stored book with DynamoDB's JSON."""
    shelf, number = key.split(".")
    client = Book._get_connection().connection.client
    for name, value in typed.items():
        client.update_item(
            TableName="library", Key={"shelf": {"S": shelf}, "number": {"S": number}},
            UpdateExpression="SET #name = :value",
            ExpressionAttributeNames={"#name": name}, ExpressionAttributeValues={":value": value},
        )  # fmt: skip


SPOILT = [
    {"created_at": {"S": "the day before"}},
    {"created_at": {"S": "2026-01-01"}},  # a moment without a zone
    {"created_at": {"S": "0001-01-01T00:00:00Z"}},
    {"created_at": {"L": []}},
    {"created_at": {"NULL": True}},
    {"published": {"S": "2026-99-99"}},
    {"published": {"N": "7"}},
    {"title": {"N": "5"}},
    {"authors": {"L": [{"N": "1"}]}},
    {"authors": {"S": "Ann"}},
    {"pages": {"S": "many"}},
    {"genre": {"BOOL": True}},
    {"genre": {"S": "cookbook"}},
]


@pytest.mark.parametrize("typed", SPOILT)
def test_an_item_that_cannot_be_read_is_shown_as_that_and_hides_no_other(client, put, shelf, typed):
    emma, ulysses = f"Emma {shelf[:8]}", f"Ulysses {shelf[:8]}"
    put(emma), put(ulysses)
    key = put("Spoilt", pages=3)
    spoil(key, **typed)
    for question in (f"shelf__exact={shelf}", f"shelf__exact={shelf}&o=1", f"shelf__exact={shelf}&o=-3"):
        page = client.get(f"{LIST}?{question}")
        assert sorted(titles(page)) == [emma, ulysses]
        assert "1 row of this page cannot be read" in page.content.decode()
        assert key in page.content.decode()
    # Of all shelves: other tests' books may fill the first page, so these two are searched for.
    assert titles(client.get(f"{LIST}?q={shelf[:8]}")) == [ulysses, emma]
    for view in ("change", "delete", "history"):
        page = client.get(f"{LIST}{key}/{view}/").content.decode()
        assert "This book cannot be read" in page
        assert f"<code>{shelf}</code> <code>0003</code>" in page
    export = client.get(f"{LIST}export.csv?shelf__exact={shelf}").content.decode()
    assert len(export.splitlines()) == 4
    assert export.splitlines()[0].endswith(",unreadable")


def test_nothing_is_done_to_an_item_that_cannot_be_read(client, put, shelf):
    key = put("Spoilt")
    spoil(key, created_at={"S": "the day before"})
    assert client.post(f"{LIST}{key}/change/", {**FORM, "title": "x", "_version": "1"}).status_code == 200
    client.post(f"{LIST}{key}/delete/", {"post": "yes", "_version": "1"})
    data = {"action": "delete_selected", "_selected_action": [key], "post": "yes"}
    client.post(f"{LIST}?shelf__exact={shelf}", data)
    assert [book.title for book in Book.query(shelf)] == ["Spoilt"]


def test_a_filter_on_what_cannot_be_read_keeps_the_row(client, put, shelf):
    """It may be what is looked for; on what can be read, filters work."""
    spoil(put("Spoilt", genre="novel", pages=3), pages={"S": "many"})

    def damaged(query):
        return "1 row of this page" in client.get(f"{LIST}?shelf__exact={shelf}&{query}").content.decode()

    assert damaged("pages__gt=7")
    assert damaged("genre__exact=novel")
    assert not damaged("genre__exact=essay")
    assert not damaged("q=Emma")


def test_an_item_without_a_key_of_its_own_is_named_by_its_place(client, put, shelf, monkeypatch):
    reader = replace(LibraryBook.reader, key_of=lambda values: f"{values['shelf']}.{values['title']}")
    monkeypatch.setattr(LibraryBook, "reader", reader)
    put("Emma")
    spoil(put("Spoilt"), title={"N": "5"})
    page = client.get(f"{LIST}?shelf__exact={shelf}").content.decode()
    (link,) = re.findall(r'<li><a href="([^"]*)">place:', page)
    assert f"<code>{shelf}</code> <code>0002</code>" in client.get(link).content.decode()


@pytest.mark.parametrize(
    "query",
    [
        "foo=1", "shelf__foo=1", "title__regex=(", "title__iregex=x", "created_at__gte=yesterday",
        "created_at__gte=2026-99-99", "created_at__year=2026", "created_at__isnull=perhaps",
        "pages__exact=many", "pages__in=1,b", "authors__gt=x", "authors__0=x", "genre__title__exact=x",
        "o=99", "o=x", "o=", "o=-", "o=1.99", "o=²", "after=nonsense", "after=1", "after=x:y", "p=2", "all=", "e=1",
        "q=%00", "_changelist_filters=x", "key__range=a,b", "pk__regex=.",
    ],
)  # fmt: skip
def test_what_cannot_be_served_is_refused_and_shows_nothing(client, put, shelf, query):
    key = put("Emma")
    put("Ulysses")
    for address in (f"{LIST}?{query}", f"{LIST}?shelf__exact={shelf}&{query}"):
        page = client.get(address)
        assert page.status_code == 200
        assert titles(page) == []
        assert 'class="error"' in page.content.decode()
        done = client.post(address, {"action": "delete_selected", "_selected_action": [key], "post": "yes"})
        assert done.status_code == 200 or 'class="error"' in client.get(LIST).content.decode()
        assert len(list(Book.query(shelf))) == 2
    if not query.startswith("after"):
        export = client.get(f"{LIST}export.csv?{query}", follow=True)
        assert "Emma" not in export.content.decode()
        assert 'class="error"' in export.content.decode()


def test_a_position_is_of_one_list_only(client, put, shelf, monkeypatch):
    monkeypatch.setattr(library.LibraryAdmin, "list_per_page", 2)
    for number in range(5):
        put(f"Book {number}")
    page = client.get(f"{LIST}?shelf__exact={shelf}").content.decode()
    after = re.search(r"after=([^&\"]*)", page)[1]
    assert len(titles(client.get(f"{LIST}?shelf__exact={shelf}&after={after}"))) == 2
    for other in (
        f"after={after}",
        f"shelf__exact={shelf}&o=1&after={after}",
        f"shelf__exact={shelf}&after=9{after}",
    ):
        page = client.get(f"{LIST}?{other}")
        assert titles(page) == []
        assert "This is not a page of this list" in page.content.decode()


def test_a_column_that_is_not_sorted_by_is_not_marked(client, put, shelf, monkeypatch):
    for number in range(4):
        put(f"Book {number}")
    assert "sorted ascending" in client.get(f"{LIST}?shelf__exact={shelf}&o=1").content.decode()
    monkeypatch.setattr(query, "READ_BUDGET", 2)
    assert "sorted ascending" not in client.get(f"{LIST}?shelf__exact={shelf}&o=1").content.decode()

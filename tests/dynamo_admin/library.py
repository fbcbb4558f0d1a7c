"""Books: a PynamoDB model, the Django model made of it, and its admin."""

import os

from pynamodb.attributes import ListAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model

from dynamo_admin.filters import ExactFilter
from dynamo_admin.model import DynamoModel
from dynamo_admin.options import DynamoModelAdmin
from dynamo_admin.reading import DynamoReader, Path
from dynamo_admin.site import DynamoAdminSite
from web import csv_files

SHARDS = 4


class ByAge(GlobalSecondaryIndex):
    class Meta:
        index_name = "by_age"
        projection = AllProjection()

    shard = UnicodeAttribute(hash_key=True)
    age = UnicodeAttribute(range_key=True)


class Book(Model):
    class Meta:
        table_name = "library"
        region = "us-east-1"
        host = os.environ.get("AWS_ENDPOINT_URL")
        billing_mode = "PAY_PER_REQUEST"

    shelf = UnicodeAttribute(hash_key=True)
    number = UnicodeAttribute(range_key=True)
    title = UnicodeAttribute()
    genre = UnicodeAttribute(null=True)
    pages = NumberAttribute(null=True)
    authors = ListAttribute(of=UnicodeAttribute, null=True)
    published = UnicodeAttribute(null=True)
    created_at = UnicodeAttribute()
    version = NumberAttribute(default=1)
    shard = UnicodeAttribute(null=True)
    age = UnicodeAttribute(null=True)
    by_age = ByAge()


class LibraryBook(DynamoModel):
    item = Book
    show = ("title", "genre", "pages", "authors", "published", "created_at", "version", "shelf", "number")
    schema = {
        "properties": {
            "title": {"type": "string", "maxLength": 40},
            "genre": {"anyOf": [{"enum": ["novel", "essay"]}, {"type": "null"}]},
            "published": {"format": "date"},
            "authors": {"type": "array", "items": {"type": "string"}},
        }
    }
    reader = DynamoReader(
        item=Book,
        locate=lambda key: tuple(key.split(".")) if key.count(".") == 1 else None,
        key_of=lambda values: f"{values['shelf']}.{values['number']}",
        paths=(
            Path("{shelf}", sort="number"),
            Path("BOOK#{shard}", index="by_age", sort="age", shards=SHARDS, timed=True),
        ),
    )

    class Meta:
        app_label = "dynamo_admin"
        ordering = ["-created_at"]
        verbose_name = "book"

    def __str__(self):
        return self.title


class LibraryAdmin(DynamoModelAdmin):
    list_display = ("title", "genre", "pages", "created_at")
    list_filter = ("genre", ("shelf", ExactFilter), "created_at")
    search_fields = ("title",)
    readonly_fields = ("created_at", "version")

    def create_item(self, request, given, form):
        return super().create_item(request, {"created_at": "2026-01-01T00:00:00.000000Z", **given}, form)


class Somebody:
    """Whoever asks; ``may`` is what they may do."""

    pk, is_active, is_staff, is_authenticated = "somebody", True, True, True
    may: frozenset[str] = frozenset({"view", "add", "change", "delete"})

    def has_perm(self, permission, obj=None):
        return permission.partition(".")[2].partition("_")[0] in self.may

    def has_module_perms(self, app_label):
        return True

    def get_username(self):
        return "somebody"


class SomebodyMiddleware:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        request.user = Somebody()
        return self.get_response(request)


def somebody(request):
    return {"user": request.user}


class LibrarySite(DynamoAdminSite):
    def csv_lines(self, names, rows):
        yield csv_files.head(names)
        yield from map(csv_files.line, rows)


site = LibrarySite(name="admin")
site.register(LibraryBook, LibraryAdmin)

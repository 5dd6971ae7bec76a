"""The terms in force, for commands that look back or ahead by them."""

from capd.cli.books import Books
from capd.hindsight.known import Terms


async def terms_of(books: Books) -> Terms:
    """Return by what everybody is judged now."""
    house = books.house
    return Terms(
        policy=house.policy,
        catalogue=await books.store.people.products(),
        zone=house.zone,
        currency=house.currency,
        book=house.book,
    )

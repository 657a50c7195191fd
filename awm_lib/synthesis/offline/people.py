"""People, places and companies of a sampled world; no two people alike, places that fit together."""

from __future__ import annotations

import random
from typing import Any

from mimesis import Address, Person
from mimesis.locales import Locale

from awm_lib.synthesis.offline.places import places

_LOCALES = (
    Locale.EN,
    Locale.EN,
    Locale.EN,
    Locale.EN_GB,
    Locale.ES,
    Locale.DE,
    Locale.FR,
    Locale.IT,
    Locale.NL,
    Locale.PT,
)
_COMPANY_FORMS = (
    "{last} & {other}", "{last} Group", "{last} Partners", "{city} {trade}", "{last} {trade}", "{city} {last}",
    "{last} & Sons",
)  # fmt: skip
_TRADES = (
    "Supply",
    "Works",
    "Trading",
    "Services",
    "Collective",
    "Industries",
    "Consulting",
    "Logistics",
    "Studios",
    "Foods",
)
_MAIL = ("example.com", "example.org", "example.net")


def _ascii(text: str) -> str:
    import unicodedata

    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return "".join(c for c in plain.lower() if c.isalnum())


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]


class People:
    """Makes people, places and companies from one generator."""

    def __init__(self, generator: random.Random) -> None:
        self._random = generator
        self._seen: set[str] = set()
        self._providers = {
            locale: Person(locale, seed=generator.randrange(2**32)) for locale in dict.fromkeys(_LOCALES)
        }
        self._streets = Address(Locale.EN, seed=generator.randrange(2**32))

    def person(self) -> dict[str, Any]:
        """A person: first, last, name, email, phone."""
        while True:
            provider = self._providers[self._random.choice(_LOCALES)]
            first, last = _capital(provider.first_name()), _capital(provider.last_name())
            name = f"{first} {last}"
            if name not in self._seen and len(first) > 1 and len(last) > 2 and _ascii(first) and _ascii(last):
                break
        self._seen.add(name)
        phone = f"+1 {self._random.choice(places())['area']} 555 {self._random.randint(100, 9999):04d}"
        return {
            "first": first,
            "last": last,
            "name": name,
            "email": f"{_ascii(first)}.{_ascii(last)}@{self._random.choice(_MAIL)}",
            "phone": phone,
        }

    def place(self) -> dict[str, Any]:
        """An address: street, city, region, postcode, country."""
        place = self._random.choice(places())
        return {
            "street": f"{self._random.randint(2, 1990)} {self._streets.street_name()} {self._streets.street_suffix()}",
            "city": place["city"],
            "region": place["region"],
            "postcode": f"{place['postcode']}{self._random.randint(1, 99):02d}",
            "country": place["country"],
        }

    def company(self) -> str:
        """A company's name."""
        while True:
            last, other = (self._providers[Locale.EN].last_name() for _ in range(2))
            name = self._random.choice(_COMPANY_FORMS).format(
                last=last, other=other, city=self._random.choice(places())["city"], trade=self._random.choice(_TRADES)
            )
            if name not in self._seen:
                self._seen.add(name)
                return name

"""The offline provider: environments sampled from domain packs; needs no key and no network."""

"""Reading packs from their directories.

Parsing YAML takes a hundred times longer than reading JSON, and every stage of every scenario reads its pack; so the
parsed form
is kept beside the build, under the hash of the files that it comes from.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

from awm_lib import jsonfile
from awm_lib.errors import ContractError, UnknownName
from awm_lib.synthesis.offline.pack import Pack

PACKS = Path(__file__).parent / "packs"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "awm"


def pack_names(directory: Path = PACKS) -> list[str]:
    """The packs that there are, in the order of their names."""
    return sorted(path.parent.name for path in directory.glob("*/pack.yaml"))


def pack_digest(name: str, directory: Path = PACKS) -> str:
    """The hash of a pack's files, and of the contract that they are read by."""
    digest = hashlib.sha256((Path(__file__).parent / "pack.py").read_bytes())
    for path in sorted((directory / name).glob("*.yaml")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:24]


def warm() -> None:
    """Load the packs whose parsed form is kept, so that processes forked from this one have them."""
    for name in pack_names():
        if _kept(name, PACKS).is_file():
            load_pack(name)


def _kept(name: str, directory: Path) -> Path:
    return CACHE / "packs" / f"{name}-{pack_digest(name, directory)}.json"


@lru_cache(maxsize=64)
def load_pack(name: str, directory: Path = PACKS) -> Pack:
    """A pack, validated. Raises UnknownName, or ContractError with the file and the place."""
    if not (directory / name / "pack.yaml").is_file():
        raise UnknownName("pack", name, pack_names(directory))
    kept = _kept(name, directory)
    if kept.is_file():
        try:
            return Pack.model_validate_json(kept.read_bytes())
        except ValueError:
            kept.unlink(missing_ok=True)
    pack = _parse(directory / name)
    # A cache that cannot be written only costs time.
    with contextlib.suppress(OSError):
        jsonfile.write_bytes(kept, json.dumps(pack.model_dump(mode="json", by_alias=True)).encode())
    return pack


def _parse(home: Path) -> Pack:
    from awm_lib.synthesis.offline.pack import Module, Niche, PackHead

    head = PackHead.parse(_yaml(home / "pack.yaml"), str(home / "pack.yaml"))
    niches = _yaml(home / "niches.yaml")
    if not isinstance(niches, list):
        raise ContractError(f"{home / 'niches.yaml'} must be a list of niches")
    known = {f"{module}.yaml" for module in head.modules} | {"pack.yaml", "niches.yaml"}
    extra = sorted(path.name for path in home.glob("*.yaml") if path.name not in known)
    if extra:
        raise ContractError(f"{home}: {', '.join(extra)} is not in the modules of pack.yaml")
    return Pack.parse(
        {
            "head": head,
            "niches": [Niche.parse(niche, f"{home / 'niches.yaml'}, niche {at}") for at, niche in enumerate(niches, 1)],
            "modules": [
                Module.parse(_yaml(home / f"{module}.yaml"), str(home / f"{module}.yaml")) for module in head.modules
            ],
        },
        str(home),
    )


def _yaml(path: Path) -> Any:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return yaml.load(path.read_bytes(), loader)
    except FileNotFoundError:
        raise ContractError(f"{path} does not exist", hint="pack.yaml names it; write it, or remove the name") from None
    except yaml.YAMLError as error:
        raise ContractError(f"{path} is not YAML: {error}") from None

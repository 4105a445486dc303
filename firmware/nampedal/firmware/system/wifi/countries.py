"""Country codes that Linux has radio rules for: read from its regulatory database, or from a copy of the list."""

from __future__ import annotations

import struct
from pathlib import Path

from nampedal.firmware.system.host.root_paths import under_root

# Paths of the database in Debian's package wireless-regdb; the second is for a root whose /lib is not a link to
# usr/lib.
DATABASES = (Path("/usr/lib/firmware/regulatory.db"), Path("/lib/firmware/regulatory.db"))
# struct fwdb_header and struct fwdb_country: magic "RGDB" and version 20, then two letters and a pointer for each
# country, big-endian. A pointer of 0 ends the list (torvalds/linux 0cb1a11, net/wireless/reg.c).
_HEADER, _VERSION = struct.Struct(">4sI"), 20
_COUNTRY = struct.Struct(">2sH")
# The code of the rules that apply if no country is set.
_WORLD = "00"
# The codes of wireless-regdb 2026.05.30, for a computer without a database. A test compares the two.
_CODES = """
AD AE AF AI AL AM AN AR AS AT AU AW AZ BA BB BD BE BF BG BH BL BM BN BO BR BS BT BW BY BZ CA CF CH CI CL CN CO
CR CU CX CY CZ DE DK DM DO DZ EC EE EG ES ET FI FM FO FR GB GD GE GF GH GI GL GP GR GT GU GY HK HN HR HT HU ID
IE IL IM IN IR IS IT JM JO JP KE KH KN KP KR KW KY KZ LB LC LI LK LS LT LU LV MA MC MD ME MF MH MK MN MO MP MQ
MR MT MU MV MW MX MY NA NG NI NL NO NP NZ OM PA PE PF PG PH PK PL PM PR PT PW PY QA RE RO RS RU RW SA SE SG SI
SK SM SN SR SV SX SY TC TD TG TH TN TR TT TW TZ UA UG US UY UZ VA VC VE VI VN VU WF WS YE YT ZA ZW
"""
COUNTRIES = frozenset(_CODES.split())
# Codes that users may write by mistake -> correct code: two that the European Union uses (its Interinstitutional Style
# Guide, 7.1.1), and the language code.
MEANT = {"UK": "GB", "EL": "GR", "EN": "GB"}


def known_countries(root: Path) -> frozenset[str]:
    """Return the codes in the database of the system at `root`; COUNTRIES if no database can be read."""
    for path in DATABASES:
        try:
            found = read(under_root(root, path).read_bytes())
        except (OSError, ValueError):
            continue
        return found
    return COUNTRIES


def read(data: bytes) -> frozenset[str]:
    """Return the codes in a regulatory.db. Raises ValueError if the data is not one."""
    try:
        if _HEADER.unpack_from(data) != (b"RGDB", _VERSION):
            raise ValueError("is no regulatory database of version 20")
        found, at = set(), _HEADER.size
        while (entry := _COUNTRY.unpack_from(data, at))[1] != 0:
            found.add(entry[0].decode("ascii"))
            at += _COUNTRY.size
    except struct.error as error:
        raise ValueError("ends within its list of countries") from error
    if not found - {_WORLD}:
        raise ValueError("has no country")
    return frozenset(found - {_WORLD})

"""Bytes of an e-mail to text, by the declared character set or by what the bytes look like."""

import codecs
import re

from appliance.core.clean_text import remove_controls

# What senders name, and what they mean. A newer set has all characters of the older one.
_MEANT = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "johab": "cp949",
    "shift_jis": "cp932",
    "iso2022_jp": "iso2022_jp_ext",
    "utf-16": "utf-16",
}
_ALIASES = {
    "ks_c_5601-1987": "cp949",
    "ks_c_5601": "cp949",
    "ansi_x3.110-1983": "cp1252",
    "iso-8859-8-i": "iso8859-8",
    "iso-8859-6-i": "iso8859-6",
    "x-gbk": "gb18030",
    "x-sjis": "cp932",
    "x-mac-roman": "mac-roman",
    "unicode-1-1-utf-8": "utf-8",
    "utf8mb4": "utf-8",
}
# Codecs of text that are safe to run; UTF-7 hides markup, punycode is quadratic.
_ALLOWED = re.compile(
    r"utf-8(-sig)?|utf-16(-[bl]e)?|utf-32(-[bl]e)?|cp\d{3,4}|iso8859-\d{1,2}|koi8-[rut]|ptcp154"
    r"|mac-\w+|gb18030|big5(hkscs)?|euc_\w+|iso2022_\w+|shift_jis\w*|hz|tis-620"
)
_SINGLE_BYTE = re.compile(r"cp\d{3,4}|iso8859-\d{1,2}|koi8-.|mac-\w+")
_MULTI_BYTE_PAGES = {"cp932", "cp949", "cp950", "cp936"}
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NON_ASCII = re.compile(r"[^\x00-\x7f]")
_JAPANESE_ESCAPE = re.compile(rb"\x1b\$[@B]")


def find_codec(name: str) -> str:
    """Return the codec for a declared character set, or nothing if it is unknown or refused."""
    name = name.strip().strip("\"'").lower()
    if name in _ALIASES:
        return _ALIASES[name]
    try:
        codec = codecs.lookup(name[:40]).name
    except (LookupError, ValueError):
        return ""
    codec = _MEANT.get(codec, codec)
    return codec if _ALLOWED.fullmatch(codec) else ""


def decode(data: bytes, declared: str = "") -> str:
    """Return the text without control characters. Never fails; what is no text becomes U+FFFD."""
    text = _decode(data, find_codec(declared))
    return remove_controls(text.removeprefix("\ufeff"))


def _decode(data: bytes, codec: str) -> str:
    mark = next((codec for mark, codec in _BYTE_ORDER_MARKS if data.startswith(mark)), "")
    if mark:
        return data.decode(mark, "replace")
    is_single_byte = not codec or (
        bool(_SINGLE_BYTE.fullmatch(codec)) and codec not in _MULTI_BYTE_PAGES
    )
    if is_single_byte:
        # senders declare a code page and send UTF-8; the other way round cannot happen by chance
        try:
            return data.decode("utf-8") if not _JAPANESE_ESCAPE.search(data) else _guess(data)
        except UnicodeDecodeError:
            pass
    if not codec:
        return _guess(data)
    try:
        return data.decode(codec)
    except UnicodeError:
        return _guess(data) if codec == "utf-8" else data.decode(codec, "replace")


def _guess(data: bytes) -> str:
    """Decode bytes whose character set is unknown or a lie."""
    if _JAPANESE_ESCAPE.search(data):
        return data.decode("iso2022_jp_ext", "replace")
    text = data.decode("utf-8", "replace")
    wrong = text.count("\ufffd")
    other = len(_NON_ASCII.findall(text)) - wrong
    if wrong <= other:  # mostly UTF-8, perhaps cut inside of a character
        return text
    return data.decode("cp1252", "replace")

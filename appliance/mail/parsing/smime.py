"""S/MIME messages in one block (RFC 8551): the e-mail that was signed, without verifying it."""

from asn1crypto import cms

MAX_BYTES = 60 * 1024 * 1024


def find_signed_content(data: bytes) -> bytes | None:
    """Return the signed e-mail, or None if the message is encrypted.

    Raises ValueError if it is neither.
    """
    if len(data) > MAX_BYTES:
        raise ValueError("larger than what is read")
    try:
        info = cms.ContentInfo.load(data)
        if info["content_type"].native != "signed_data":
            return None
        content = info["content"]["encap_content_info"]["content"]
        signed = content.native
    except (ValueError, TypeError, KeyError, RecursionError, MemoryError, OverflowError) as error:
        raise ValueError("no S/MIME message") from error
    if not isinstance(signed, bytes):
        raise ValueError("without content")
    return signed

"""Limits of what is read of an e-mail, so that a hostile one costs less than a second of CPU.

What is beyond a limit is left out of the ticket and named in a note; the source has everything.
"""

MAX_EMAIL_BYTES = 150 * 1024 * 1024
MAX_HEADER_BYTES = 1024 * 1024  # of one block of headers
MAX_HEADERS = 1_000  # of one block
MAX_VALUE_BYTES = 32 * 1024  # of one header
MAX_ENCODED_WORDS = 500  # of one header
MAX_PARAMETERS = 60  # of one header, with the pieces of continued ones
MAX_ADDRESSES = 100  # of one header
MAX_MESSAGE_IDS = 100  # of References
MAX_ID_LENGTH = 998  # characters of a Message-ID, as many as a line may have
MAX_LINE_LENGTH = 200  # characters of a subject and of names
MAX_PARTS = 250
MAX_DEPTH = 20  # of parts in parts
MAX_BOUNDARY = 200
MAX_TEXT_BYTES = 1024 * 1024  # of all texts, plain and HTML, decoded
MAX_TEXT_CHARACTERS = 200_000  # of what becomes the message
MAX_QUOTE_LINES = 20_000  # that are searched for quoted text
MAX_HTML_TAGS = 20_000
MAX_HTML_SIGNS = 60_000  # `<` and `&`: nh3 takes 6 µs for each that is out of place
MAX_HTML_DEPTH = 200
MAX_HTML_FORMATTING_DEPTH = 40  # <b>, <font>: a parser opens them again in each paragraph
MAX_CALENDAR_BYTES = 256 * 1024
MAX_FAILED_RECIPIENTS = 100
MAX_REPORT_BYTES = 256 * 1024
MAX_TNEF_BYTES = 50 * 1024 * 1024
MAX_TNEF_OBJECTS = 2_000
MAX_SHOWN_CHARACTERS = 50_000  # of all headers

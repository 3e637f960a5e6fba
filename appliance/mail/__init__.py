"""E-mail in: mailboxes, parsing, threading, bounces."""

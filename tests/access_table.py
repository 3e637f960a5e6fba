"""The expected result of each page for each viewer. A page that is missing here fails the tests.

One line per page and method; one result per viewer, in this order:
nobody (not logged in), Alice (the owner of the ticket), Carol (another customer), Bob (agent),
Frank (agent of another team), Dan (admin), Erin (logged in, then deactivated).

Every page of a ticket is requested for three tickets: this one; one of a closed team that Bob is
in, which does not exist for Frank; and one of a guest, which exists for no customer. Who sees a
ticket is one rule, ``TicketQuerySet.visible_to``; ``test_closed_teams.py`` tries it at every door.
Variants stand behind a slash: ``attachment/note`` is the file of an internal note.

A result is a status code or a redirect: ``login`` to the log-in page, ``home`` to the front page,
``done`` to another page after the work is done. A method without a line must be refused.
"""

VIEWERS = ("nobody", "alice", "carol", "bob", "frank", "dan", "erin")

TABLE = """
GET   dashboard                login 200   200   200   200   200   login
GET   live                     login 200   200   200   200   200   login
GET   views                    login 403   403   200   200   200   login
GET   add-view                 login 403   403   200   200   200   login
POST  add-view                 login 403   403   home  home  home  login
GET   edit-view                login 403   403   200   404   404   login
POST  edit-view                login 403   403   home  404   404   login
GET   edit-view/shared         login 403   403   200   404   200   login
POST  edit-view/shared         login 403   403   home  404   done  login
POST  move-view                login 403   403   done  404   404   login
POST  remove-view              login 403   403   done  404   404   login
POST  bulk                     login 403   403   home  home  home  login
GET   bulk-change              login 403   403   200   404   404   login
POST  undo-bulk                login 403   403   home  404   404   login
GET   create-ticket            login 200   200   200   200   200   login
POST  create-ticket            login done  done  done  done  done  login
POST  suggest                  login 200   200   200   200   200   login
GET   ticket                   login 200   404   200   200   200   login
POST  reply                    login done  404   done  done  done  login
POST  update-ticket            login 403   403   done  done  done  login
GET   conversation             login 200   404   200   200   200   login
GET   ticket-analysis          login 200   404   200   200   200   login
GET   ticket-timer             login 403   403   200   200   200   login
GET   find-customers           login 403   403   200   200   200   login
POST  preview                  login 200   200   200   200   200   login
POST  rate-ticket              login 400   404   403   403   403   login
POST  discard-draft            login done  404   done  done  done  login
POST  take-ticket              login 403   403   done  done  done  login
POST  ticket-tags              login 403   403   done  done  done  login
POST  ticket-fields            login 403   403   done  done  done  login
POST  link-ticket              login 403   403   done  done  done  login
POST  unlink-ticket            login 403   403   done  done  done  login
GET   find-tickets             login 403   403   200   200   200   login
GET   find-articles            login 403   403   200   200   200   login
POST  dismiss-suggestion       login 403   403   done  done  done  login
POST  undo-dismissal           login 403   403   done  done  done  login
GET   find-canned-responses    login 403   403   200   200   200   login
POST  insert-canned-response   login 403   403   200   200   200   login
GET   run-macro                login 403   403   200   200   200   login
POST  run-macro                login 403   403   done  done  done  login
GET   split-ticket             login 403   403   200   200   200   login
POST  split-ticket             login 403   403   done  done  done  login
GET   merge-ticket             login 403   403   200   200   200   login
POST  merge-ticket             login 403   403   done  done  done  login
POST  unmerge-ticket           login 403   403   done  done  done  login
POST  presence                 login 403   403   204   204   204   login
POST  draft                    login 204   404   204   204   204   login
GET   mentionable              login 403   403   200   200   200   login
GET   find-tags                 login 403   403   200   200   200   login
GET   attachment               login 200   404   200   200   200   login
GET   attachment/note          login 404   404   200   200   200   login
GET   ticket/merged            login 200   404   200   200   200   login
POST  reply/merged             login 400   404   400   400   400   login
GET   attachment/merged        login 200   404   200   200   200   login
GET   articles                 login 200   200   200   200   200   login
GET   write-article            login 403   403   200   200   200   login
POST  write-article            login 403   403   done  done  done  login
GET   gaps                     login 403   403   200   200   200   login
POST  detect-gaps              login 403   403   done  done  done  login
POST  write-for-gap            login 403   403   done  done  done  login
POST  dismiss-gap              login 403   403   done  done  done  login
POST  restore-gap              login 403   403   done  done  done  login
GET   low-performing-articles  login 403   403   200   200   200   login
GET   article                  login 200   200   200   200   200   login
GET   article/draft            login 404   404   200   200   200   login
GET   edit-article             login 403   403   200   200   200   login
POST  edit-article             login 403   403   done  done  done  login
GET   edit-article/draft       login 403   403   200   200   200   login
GET   article/internal         login 404   404   200   200   200   login
GET   article/archived         login 404   404   200   200   200   login
GET   article/customers        login 200   200   200   200   200   login
GET   article-file             login 200   200   200   200   200   login
GET   article-file/customers   login 200   200   200   200   200   login
GET   article-file/draft       login 404   404   200   200   200   login
GET   article-file/internal    login 404   404   200   200   200   login
GET   article-file/archived    login 404   404   200   200   200   login
POST  vote-article             login done  done  403   403   403   login
POST  vote-article/internal    login 404   404   403   403   403   login
GET   help                     login 200   200   200   200   200   login
POST  move-article             login 403   403   done  done  done  login
GET   article-history          login 403   403   200   200   200   login
GET   article-versions         login 403   403   200   200   200   login
POST  restore-article          login 403   403   done  done  done  login
GET   import-articles          login 403   403   200   200   200   login
POST  import-articles          login 403   403   400   400   400   login
GET   export-articles          login 403   403   200   200   200   login
GET   search                   login 200   200   200   200   200   login
GET   search-suggestions       login 200   200   200   200   200   login
GET   setup                    404   404   404   404   404   404   404
POST  setup                    404   404   404   404   404   404   404
GET   login                    200   home  home  home  home  home  200
POST  login                    200   home  home  home  home  home  200
PUT   login                    200   home  home  home  home  home  200
GET   register                 200   home  home  home  home  home  200
POST  register                 400   home  home  home  home  home  400
GET   profile                  login 200   200   200   200   200   login
POST  profile                  login done  done  done  done  done  login
GET   profile-password         login 200   200   200   200   200   login
POST  profile-password         login 400   400   400   400   400   login
GET   set-password             404   404   404   404   404   404   404
POST  set-password             404   404   404   404   404   404   404
GET   ask                      404   done  done  done  done  done  404
POST  ask                      404   done  done  done  done  done  404
GET   guest-ticket             404   404   404   404   404   404   404
POST  guest-reply              404   404   404   404   404   404   404
POST  guest-rate               404   404   404   404   404   404   404
GET   guest-attachment         404   404   404   404   404   404   404
POST  logout                   login login login login login login login
GET   notifications            login 200   200   200   200   200   login
GET   notification-badge        login 200   200   200   200   200   login
POST  mark-notifications-read   login done  done  done  done  done  login
POST  mark-notification-read    login done  404   404   404   404   login
GET   notification-settings     login 200   200   200   200   200   login
POST  notification-settings     login 400   400   400   400   400   login
GET   reports                  login 403   403   200   200   200   login
GET   export-report            login 403   403   200   200   200   login
GET   outbox                   login 403   403   403   403   200   login
POST  retry-email               login 403   403   403   403   done  login
POST  cancel-email              login 403   403   403   403   done  login
GET   logo                     200   200   200   200   200   200   200
GET   manage                   login 403   403   200   200   200   login
GET   site-settings             login 403   403   403   403   200   login
POST  site-settings             login 403   403   403   403   400   login
POST  change-logo              login 403   403   403   403   done  login
GET   models                   login 403   403   403   403   200   login
POST  start-update             login 403   403   403   403   400   login
POST  trust-publisher          login 403   403   403   403   400   login
POST  roll-back-models          login 403   403   403   403   done  login
GET   model-update             login 403   403   403   403   200   login
POST  apply-update             login 403   403   403   403   400   login
GET   audit-log                 login 403   403   403   403   200   login
GET   people                   login 403   403   403   403   200   login
GET   add-person               login 403   403   403   403   200   login
POST  add-person               login 403   403   403   403   400   login
GET   edit-person              login 403   403   403   403   200   login
POST  edit-person              login 403   403   403   403   400   login
POST  restore-person           login 403   403   403   403   done  login
GET   teams                    login 403   403   403   403   200   login
GET   add-team                 login 403   403   403   403   200   login
POST  add-team                 login 403   403   403   403   400   login
GET   edit-team                login 403   403   403   403   200   login
POST  edit-team                login 403   403   403   403   400   login
POST  restore-team             login 403   403   403   403   done  login
GET   remove-team              login 403   403   403   403   200   login
POST  remove-team              login 403   403   403   403   done  login
GET   customers                login 403   403   200   200   200   login
GET   add-customer             login 403   403   200   200   200   login
POST  add-customer             login 403   403   400   400   400   login
GET   edit-customer            login 403   403   200   200   200   login
POST  edit-customer            login 403   403   400   400   400   login
GET   organisations            login 403   403   200   200   200   login
GET   add-organisation         login 403   403   200   200   200   login
POST  add-organisation         login 403   403   400   400   400   login
GET   edit-organisation        login 403   403   200   200   200   login
POST  edit-organisation        login 403   403   400   400   400   login
GET   remove-organisation      login 403   403   200   200   200   login
POST  remove-organisation      login 403   403   done  done  done  login
GET   categories               login 403   403   403   403   200   login
GET   add-category             login 403   403   403   403   200   login
POST  add-category             login 403   403   403   403   400   login
GET   edit-category            login 403   403   403   403   200   login
POST  edit-category            login 403   403   403   403   400   login
POST  move-category            login 403   403   403   403   done  login
POST  restore-category         login 403   403   403   403   done  login
GET   remove-category          login 403   403   403   403   200   login
POST  remove-category          login 403   403   403   403   done  login
GET   tags                      login 403   403   403   403   200   login
GET   add-tag                  login 403   403   403   403   200   login
POST  add-tag                  login 403   403   403   403   400   login
GET   edit-tag                 login 403   403   403   403   200   login
POST  edit-tag                 login 403   403   403   403   400   login
GET   remove-tag               login 403   403   403   403   200   login
POST  remove-tag               login 403   403   403   403   done  login
GET   fields                   login 403   403   403   403   200   login
GET   add-field                login 403   403   403   403   200   login
POST  add-field                login 403   403   403   403   400   login
GET   edit-field               login 403   403   403   403   200   login
POST  edit-field               login 403   403   403   403   400   login
POST  move-field               login 403   403   403   403   done  login
POST  restore-field            login 403   403   403   403   done  login
GET   remove-field             login 403   403   403   403   200   login
POST  remove-field             login 403   403   403   403   done  login
GET   policies                 login 403   403   403   403   200   login
GET   add-policy               login 403   403   403   403   200   login
POST  add-policy               login 403   403   403   403   400   login
GET   edit-policy              login 403   403   403   403   200   login
POST  edit-policy              login 403   403   403   403   400   login
POST  move-policy              login 403   403   403   403   done  login
GET   remove-policy            login 403   403   403   403   200   login
POST  remove-policy            login 403   403   403   403   done  login
GET   business-hours           login 403   403   403   403   200   login
GET   add-business-hours       login 403   403   403   403   200   login
POST  add-business-hours       login 403   403   403   403   400   login
GET   edit-business-hours      login 403   403   403   403   200   login
POST  edit-business-hours      login 403   403   403   403   400   login
GET   remove-business-hours    login 403   403   403   403   200   login
POST  remove-business-hours    login 403   403   403   403   done  login
GET   rules                    login 403   403   403   403   200   login
GET   add-rule                 login 403   403   403   403   200   login
POST  add-rule                 login 403   403   403   403   400   login
GET   edit-rule                login 403   403   403   403   200   login
POST  edit-rule                login 403   403   403   403   400   login
POST  move-rule                login 403   403   403   403   done  login
GET   remove-rule              login 403   403   403   403   200   login
POST  remove-rule              login 403   403   403   403   done  login
GET   canned-responses         login 403   403   200   200   200   login
GET   add-canned-response      login 403   403   200   200   200   login
POST  add-canned-response      login 403   403   400   400   400   login
GET   edit-canned-response     login 403   403   200   200   200   login
POST  edit-canned-response     login 403   403   400   400   400   login
GET   remove-canned-response   login 403   403   200   200   200   login
POST  remove-canned-response   login 403   403   done  done  done  login
GET   macros                   login 403   403   200   200   200   login
GET   add-macro                login 403   403   200   200   200   login
POST  add-macro                login 403   403   400   400   400   login
GET   edit-macro               login 403   403   200   200   200   login
POST  edit-macro               login 403   403   400   400   400   login
GET   remove-macro             login 403   403   200   200   200   login
POST  remove-macro             login 403   403   done  done  done  login
GET   merge-tag                login 403   403   403   403   200   login
POST  merge-tag                login 403   403   403   403   400   login
GET   merge-organisation       login 403   403   200   200   200   login
POST  merge-organisation       login 403   403   400   400   400   login
GET   merge-customer           login 403   403   403   403   200   login
POST  merge-customer           login 403   403   403   403   400   login
POST  add-holiday              login 403   403   403   403   400   login
POST  remove-holiday           login 403   403   403   403   done  login
GET   add-escalation           login 403   403   403   403   200   login
POST  add-escalation           login 403   403   403   403   400   login
POST  remove-escalation        login 403   403   403   403   done  login
POST  invite-person            login 403   403   403   403   200   login
POST  create-login              login 403   403   403   403   200   login
POST  unlink-customer          login 403   403   403   403   done  login
POST  export-person            login 403   403   403   403   200   login
GET   anonymise-person         login 403   403   403   403   200   login
POST  anonymise-person         login 403   403   403   403   400   login
POST  export-customer          login 403   403   403   403   200   login
GET   anonymise-customer       login 403   403   403   403   200   login
POST  anonymise-customer       login 403   403   403   403   400   login
GET   deactivate-person        login 403   403   403   403   200   login
POST  deactivate-person        login 403   403   403   403   done  login
GET   healthz                  200   200   200   200   200   200   200
GET   status                   login 403   403   403   403   200   login
POST  check-search             login 403   403   403   403   done  login
GET   status-tables            login 403   403   403   403   200   login
GET   status-queries           login 403   403   403   403   200   login
GET   status-plan              login 403   403   403   403   200   login
"""

ADMIN_SITE = "admin"  # prefix of the pages that only admins see


def read_table() -> dict[tuple[str, str], tuple[str, ...]]:
    """Return the results of each (method, page), in the order of VIEWERS."""
    lines = [line.split() for line in TABLE.strip().splitlines()]
    for method, page, *results in lines:
        assert len(results) == len(VIEWERS), f"{method} {page} needs {len(VIEWERS)} results"
    return {(method, page): tuple(results) for method, page, *results in lines}

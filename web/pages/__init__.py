"""The pages for people.

views          the pages themselves, and the form that asks where no script runs
audit          the audit trail
signing        signing in and out, and who is signed in
admin          the admins' pages: keys
usage          what owners have taken
page           what every page has in common: language, colours, what it may load
errors         errors as pages
i18n           the languages
templates/     HTML
static/        scripts, sheets, fonts: no build, and nothing from elsewhere
translations/  a catalogue a language

static/js/ has what runs on every page (early, shell), and rooms, each with those that it builds on:

- core: the API, elements, words, polling, theme, keys
- upload ← core: files hashed, sent, resumed; the dock that shows it
- ask ← core, upload: the page that asks: choice, question, models, preflight
- columns ← core: answers as columns: sorted, filtered, counted; how sure they are
- results ← columns, core, upload: the answers of a batch: tiles, table, viewer
- batch ← core, results, upload: a batch's page: progress, timeline, failures, sharing
- history ← core, batch: all batches
"""

"""The pages for people.

views          the pages themselves, and the form that asks where no script runs
i18n           the languages
templates/     HTML
static/        scripts, sheets, fonts: no build, and nothing from elsewhere
translations/  a catalogue a language
"""

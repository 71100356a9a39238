"""The sentences of the page that are translated, found where they are said.

unread      what is raised for a sentence that cannot be read
javascript  t("…") and tn("…", "…", count) in scripts
jinja       _("…") and ngettext("…", "…", num) in templates
"""

"""What each call needs: every endpoint has its line, and one without is refused to everybody.

What is named in the address (a batch, a job) has to be the caller's besides; the gate sees to that.
"""

from enum import Enum, auto


class Rule(Enum):
    """Who may make a call."""

    #: Anybody.
    OPEN = auto()
    #: Whoever has the link; web/access/link.py reads it.
    LINK = auto()
    #: Whoever is known.
    READ = auto()
    #: Whoever may change something.
    WRITE = auto()
    #: Admins.
    ADMIN = auto()
    #: Admins who have said who they are: where nobody has to, whoever reaches web could lock all others out.
    KNOWN_ADMIN = auto()


_BY_RULE = {
    Rule.OPEN: """
        static docs.openapi docs.page docs.start docs.static status.health status.ready
        pages.choose pages.favicon pages.words
        pages.sign_in_page pages.check_key pages.go_to_provider pages.come_back pages.leave
    """,
    Rule.LINK: """
        pages.shared_page shared.progress.get_batch shared.progress.get_timeline
        shared.one_job.get_job shared.one_job.get_image shared.one_job.get_thumbnail
        shared.one_job.get_text
        shared.results.get_results shared.results.export_csv shared.results.export_jsonl
        shared.results.export_parquet shared.results.export_texts shared.results.export_xlsx
    """,
    Rule.READ: """
        batches.list_batches progress.get_batch progress.get_timeline
        one_job.get_job one_job.get_image one_job.get_thumbnail one_job.get_text
        results.get_results results.export_csv results.export_jsonl results.export_parquet
        results.export_texts results.export_xlsx
        sharing.list_shares
        status.get_limits status.get_models status.get_status status.metrics
        pages.index pages.history pages.batch_page pages.account pages.usage_page
        me.get_me usage.get_usage usage.export_usage
        openai.list_models openai.get_model openai.get_response
        openai_files.list_files openai_files.get_file openai_files.read_file
        openai_files.get_output openai_files.read_output
        openai_batches.list_batches openai_batches.get_batch
    """,
    Rule.WRITE: """
        batches.create_batch batches.rename_batch batches.delete_batch batches.add_files
        batches.add_known_files batches.close_batch batches.cancel_batch batches.retry_batch
        single.analyze single.create_job single.ask_again single.cancel_job single.retry_job
        sharing.share_batch sharing.revoke_share sharing.revoke_shares pages.create_batch
        openai.ask
        openai_files.send_file openai_files.delete_file openai_files.keep_output
        openai_batches.create_batch openai_batches.cancel_batch
    """,
    Rule.ADMIN: """
        keys.list_keys pages.keys_page
        audit.list_events audit.export_events pages.audit_page
    """,
    Rule.KNOWN_ADMIN: """
        keys.add_key keys.revoke_key keys.rotate_key
        pages.make_key pages.revoke_key pages.rotate_key pages.end_sessions
    """,
}

#: The rule of each endpoint.
RULES = {endpoint: rule for rule, endpoints in _BY_RULE.items() for endpoint in endpoints.split()}

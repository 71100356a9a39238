"""Error codes: stable, each with its HTTP status, and passed to the client unchanged."""

import re
from pathlib import Path

from eva01.client import transport
from jobs.contract.codes import Code

ROOT = Path(__file__).parents[3]
#: Programs branch on these codes: new ones may be added; none may change or be removed.
STATUSES = {
    400: "missing_file missing_question malformed_id malformed_body malformed_form invalid_field"
    " bad_idempotency_key path_too_long unsafe_path encrypted_entry bad_zip_entry nested_zip bad_zip"
    " empty_zip bad_url bad_schema",
    401: "not_signed_in unknown_key key_is_over session_is_over sign_in_failed",
    404: "job_not_found batch_not_found image_not_found thumbnail_not_found share_not_found no_such_page"
    " key_not_found file_not_found",
    405: "method_not_allowed",
    408: "request_too_slow",
    409: "batch_closed too_many_shares unreadable_record job_finished job_not_failed job_refused"
    " job_cut_short"
    " idempotency_in_progress key_has_ended own_key no_admin other_caller file_in_use batch_being_made",
    410: "share_expired deleted_since",
    413: "request_too_large too_many_files question_too_long name_too_long too_many_tokens too_many_days"
    " prompt_too_long image_too_large too_many_pixels image_too_long image_too_thin too_many_pages"
    " too_many_images too_many_entries zip_too_large request_too_costly schema_too_large"
    " too_many_logprobs pdf_too_costly",
    403: "foreign_origin not_allowed not_admitted fetch_is_off url_not_allowed",
    421: "unknown_host",
    422: "unknown_model idempotency_key_reused not_an_image unsupported_format empty_file truncated_image"
    " no_public_address fetch_failed fetch_too_slow unsupported_schema no_fields resolution_fixed"
    " resolution_out_of_range no_logprobs no_sampling no_token_limit pdf_password",
    429: "queue_full quota_exceeded too_many_wrong_keys",
    500: "internal_error engine_failed out_of_memory empty_answer incomplete_answer content_filter"
    " deadline_exceeded poison answer_too_late",
    503: "blob_store_unavailable too_many_connections too_many_workbooks too_many_schemas"
    " redis_unavailable redis_full redis_refuses image_being_deleted provider_unavailable server_stops",
    507: "no_room",
}


def test_every_code_has_its_status():
    stated = {code: status for status, codes in STATUSES.items() for code in codes.split()}
    assert {code.value: code.http_status for code in Code} == stated


def test_a_member_is_called_as_its_code():
    assert all(code.name == code.value.upper() for code in Code)


def test_every_code_has_sentences_for_people():
    for code in Code:
        assert code.sentence.endswith("."), code
        assert not code.remedy or code.remedy.endswith("."), code


def test_the_client_tries_again_after_just_those_codes_after_which_a_retry_helps():
    tried = {code for code in Code if code.http_status in transport._LATER or code == transport._IN_PROGRESS}
    assert tried == {code for code in Code if code.is_retryable}


def test_every_code_is_used_and_none_is_written_as_a_string():
    files = [path for room in ("jobs", "web", "worker") for path in (ROOT / room).rglob("*.py")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    assert not re.findall(r'\bcode="[a-z_]+"', text)
    assert set(re.findall(r"\bCode\.([A-Z_]+)\b", text)) == set(Code.__members__)

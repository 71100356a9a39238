"""The stable codes of errors, each with its HTTP status, whether a retry helps, and what it says to people.

Programs branch on the code. The page shows `sentence` and `remedy` in the reader's language, and docs/api.md
lists all codes; tests compare both with this list. An error's own message names values, and is written where
it is raised.
"""

from enum import StrEnum

#: Whether the same call, sent again unchanged, may succeed by itself.
RETRY, FAIL = True, False


class Code(StrEnum):
    """Why something was refused or failed."""

    #: The status of a call that is refused with it.
    http_status: int
    #: True when the same call, sent again unchanged, may succeed by itself.
    is_retryable: bool
    #: What happened, for people.
    sentence: str
    #: What can be done about it, for people; empty when nothing can.
    remedy: str

    def __new__(cls, value: str, http_status: int, is_retryable: bool, sentence: str, remedy: str) -> "Code":
        """A member: its stable string, and what belongs to it."""
        code = str.__new__(cls, value)
        code._value_ = value
        code.http_status, code.is_retryable = http_status, is_retryable
        code.sentence, code.remedy = sentence, remedy
        return code

    @classmethod
    def known(cls, value: str) -> "Code | None":
        """The code of that name; None for one that this version does not know."""
        return next((code for code in cls if code == value), None)

    # fmt: off
    # The request.
    MISSING_FILE = ("missing_file", 400, FAIL,
        "No image was sent.", "Choose some, then send them.")
    MISSING_QUESTION = ("missing_question", 400, FAIL,
        "There is no question to ask.", "Ask one.")
    MALFORMED_ID = ("malformed_id", 400, FAIL,
        "This is no id of a batch or an image.", "Check the address.")
    MALFORMED_BODY = ("malformed_body", 400, FAIL,
        "The server cannot read the request.", "Reload the page, and try again.")
    MALFORMED_FORM = ("malformed_form", 400, FAIL,
        "The form that was sent cannot be read.", "Send it again, whole.")
    INVALID_FIELD = ("invalid_field", 400, FAIL,
        "A value is not one that the server takes.", "Change it, and try again.")
    BAD_IDEMPOTENCY_KEY = ("bad_idempotency_key", 400, FAIL,
        "The request's Idempotency-Key is empty or too long.", "Send a shorter one.")
    IDEMPOTENCY_IN_PROGRESS = ("idempotency_in_progress", 409, RETRY,
        "The same request is still being answered.", "Wait for it.")
    IDEMPOTENCY_KEY_REUSED = ("idempotency_key_reused", 422, FAIL,
        "Another request was sent under the same Idempotency-Key.", "Send this one under a key of its own.")
    DELETED_SINCE = ("deleted_since", 410, FAIL,
        "What this request made when it came first has been deleted since.",
        "Send it under another Idempotency-Key to have it made again.")
    FOREIGN_ORIGIN = ("foreign_origin", 403, FAIL,
        "The request came from another website.", "Do it on a page of this server.")
    NOT_SIGNED_IN = ("not_signed_in", 401, FAIL,
        "Nobody may ask here without a key.", "Sign in, or send a key.")
    UNKNOWN_KEY = ("unknown_key", 401, FAIL,
        "This is no key of this server.", "Check it, or ask for another one.")
    KEY_IS_OVER = ("key_is_over", 401, FAIL,
        "The key is no longer valid.", "Ask for another key.")
    TOO_MANY_WRONG_KEYS = ("too_many_wrong_keys", 429, RETRY,
        "Too many wrong keys came from your address.", "Check the key, and try again in a minute.")
    NOT_ALLOWED = ("not_allowed", 403, FAIL,
        "The key does not allow this.", "Ask somebody who may, or for another key.")
    SESSION_IS_OVER = ("session_is_over", 401, FAIL,
        "Your session is over.", "Sign in again.")
    OTHER_CALLER = ("other_caller", 409, FAIL,
        "Somebody else is signed in in this browser by now.", "Reload the page.")
    SIGN_IN_FAILED = ("sign_in_failed", 401, FAIL,
        "You could not be signed in.", "Begin again.")
    NOT_ADMITTED = ("not_admitted", 403, FAIL,
        "Your account may not use this server.", "Ask one of its admins.")
    UNKNOWN_HOST = ("unknown_host", 421, FAIL,
        "This server does not answer to the name by which it was asked.",
        "If that is its name, add it to EVA01_HOSTS and start the server again.")
    FILE_NOT_FOUND = ("file_not_found", 404, FAIL,
        "This file of requests is not there, or not any more.", "Send it again.")
    FILE_IN_USE = ("file_in_use", 409, FAIL,
        "A batch is being made of this file.", "Delete it when the batch has all of its lines.")
    NO_SUCH_PAGE = ("no_such_page", 404, FAIL,
        "There is nothing at this address.", "Check the address.")
    METHOD_NOT_ALLOWED = ("method_not_allowed", 405, FAIL,
        "This address does not take such a request.", "Reload the page, and try again.")
    REQUEST_TOO_SLOW = ("request_too_slow", 408, RETRY,
        "The request came too slowly.", "Send it again, over a faster connection or in smaller parts.")
    REQUEST_TOO_LARGE = ("request_too_large", 413, FAIL,
        "The request is larger than this server takes.", "Send it in parts.")
    TOO_MANY_FILES = ("too_many_files", 413, FAIL,
        "There were too many files in one request.", "Send them in several.")
    QUESTION_TOO_LONG = ("question_too_long", 413, FAIL,
        "The question is too long.", "Ask in fewer words.")
    NAME_TOO_LONG = ("name_too_long", 413, FAIL,
        "The name is too long.", "Choose a shorter one.")
    TOO_MANY_TOKENS = ("too_many_tokens", 413, FAIL,
        "The answer may not be as long as was asked for.", "Ask for fewer tokens (max_new_tokens).")
    PROMPT_TOO_LONG = ("prompt_too_long", 413, FAIL,
        "The images and the question are more than the model takes in at once.",
        "Send fewer images in one job or smaller ones, or ask in fewer words.")
    BAD_SCHEMA = ("bad_schema", 400, FAIL,
        "What the answers should look like is no JSON Schema.", "Mend the schema, and try again.")
    UNSUPPORTED_SCHEMA = ("unsupported_schema", 422, FAIL,
        "Answers cannot be held to this schema.",
        "Leave out the keyword that is named, or say it in another way.")
    SCHEMA_TOO_LARGE = ("schema_too_large", 413, FAIL,
        "The schema of the answers is too large.", "Ask for less in one answer.")
    NO_FIELDS = ("no_fields", 422, FAIL,
        "This model cannot answer with fields.", "Choose another model, or ask for text.")
    RESOLUTION_FIXED = ("resolution_fixed", 422, FAIL,
        "The resolution at which this model reads cannot be chosen.",
        "Leave it out (max_pixels), or choose another model.")
    RESOLUTION_OUT_OF_RANGE = ("resolution_out_of_range", 422, FAIL,
        "This model does not read images at the resolution that was asked for.",
        "Choose another one (max_pixels).")
    NO_LOGPROBS = ("no_logprobs", 422, FAIL,
        "This model does not say how likely its tokens were.", "Choose another model, or leave out logprobs.")
    NO_TOKEN_LIMIT = ("no_token_limit", 422, FAIL,
        "How long this model's answers may be cannot be chosen.",
        "Choose another model, or leave out max_new_tokens.")
    NO_SAMPLING = ("no_sampling", 422, FAIL,
        "This model draws nothing by chance, and stops at no text.",
        "Choose another model, or leave out temperature, top_p, seed and stop.")
    TOO_MANY_LOGPROBS = ("too_many_logprobs", 413, FAIL,
        "So many logprobs are not kept of one answer.",
        "Ask for fewer top_logprobs, or for a shorter answer (max_new_tokens).")
    TOO_MANY_DAYS = ("too_many_days", 413, FAIL,
        "A link may not last as long as was asked for.", "Choose fewer days.")
    UNKNOWN_MODEL = ("unknown_model", 422, FAIL,
        "There is no such model here.", "Choose another one.")

    # What is asked for.
    JOB_NOT_FOUND = ("job_not_found", 404, FAIL,
        "There is no such job any more.", "Send the file again.")
    BATCH_NOT_FOUND = ("batch_not_found", 404, FAIL,
        "There is no such batch any more.", "")
    IMAGE_NOT_FOUND = ("image_not_found", 404, FAIL,
        "The image is not there any more.", "Send the file again under the same name.")
    KEY_NOT_FOUND = ("key_not_found", 404, FAIL,
        "There is no such key.", "")
    THUMBNAIL_NOT_FOUND = ("thumbnail_not_found", 404, FAIL,
        "There is no small picture of the image.", "")
    SHARE_NOT_FOUND = ("share_not_found", 404, FAIL,
        "This link is not valid.", "Ask for another one.")
    SHARE_EXPIRED = ("share_expired", 410, FAIL,
        "This link has ended.", "Ask for another one.")
    TOO_MANY_SHARES = ("too_many_shares", 409, FAIL,
        "The batch has as many links as it may have.", "Revoke one that is not needed.")
    KEY_HAS_ENDED = ("key_has_ended", 409, FAIL,
        "The key has ended already.", "Make a new one.")
    OWN_KEY = ("own_key", 409, FAIL,
        "This is the key that you are using.", "Confirm that you want to end it.")
    NO_ADMIN = ("no_admin", 409, FAIL,
        "There is no admin's key, so nobody could see to keys.", "Make one first.")
    BATCH_CLOSED = ("batch_closed", 409, FAIL,
        "The batch takes no more files.", "Make a new one.")
    BATCH_BEING_MADE = ("batch_being_made", 409, FAIL,
        "The batch is still being made of a file of requests.",
        "Wait for its last line, or make a new batch.")
    JOB_FINISHED = ("job_finished", 409, FAIL,
        "The image is done already and cannot be cancelled.", "")
    JOB_NOT_FAILED = ("job_not_failed", 409, FAIL,
        "The image has not failed, so there is nothing to retry.", "")
    JOB_REFUSED = ("job_refused", 409, FAIL,
        "The file was refused, so there is no image.", "Mend the file and send it: it is a job of its own.")
    JOB_CUT_SHORT = ("job_cut_short", 409, FAIL,
        "The answer was cut, and would be cut again.",
        "Ask again with more tokens (max_new_tokens), or for less.")

    UNREADABLE_RECORD = ("unreadable_record", 409, FAIL,
        "What the server keeps of this cannot be read.",
        "Send the file again; the server's log says what is wrong.")

    # A file.
    NOT_AN_IMAGE = ("not_an_image", 422, FAIL,
        "This is no image that can be read.", "Save it as JPEG, PNG, WebP or TIFF, and send it again.")
    UNSUPPORTED_FORMAT = ("unsupported_format", 422, FAIL,
        "Files of this kind are not read here.", "Export it as JPEG or PNG, and send that.")
    EMPTY_FILE = ("empty_file", 422, FAIL,
        "The file is empty.", "Send the whole file: it is a job of its own.")
    TRUNCATED_IMAGE = ("truncated_image", 422, FAIL,
        "The image is cut short or damaged.", "Send the whole file: it is a job of its own.")
    IMAGE_TOO_LARGE = ("image_too_large", 413, FAIL,
        "The file is larger than this server takes.", "Send a smaller version of it.")
    TOO_MANY_PIXELS = ("too_many_pixels", 413, FAIL,
        "The image has more pixels than this server takes.", "Scale it down, and send it again.")
    IMAGE_TOO_LONG = ("image_too_long", 413, FAIL,
        "The image is wider or higher than this server takes.", "Scale it down, or cut it into parts.")
    IMAGE_TOO_THIN = ("image_too_thin", 413, FAIL,
        "The image is so long and thin that nothing of it would be left to look at.",
        "Cut it into parts, and send those.")
    TOO_MANY_IMAGES = ("too_many_images", 413, FAIL,
        "One job has more images than this server takes.", "Ask about fewer of them together.")
    TOO_MANY_PAGES = ("too_many_pages", 413, FAIL,
        "The file has more pages than this server takes.", "Split it, and send its parts.")
    PDF_PASSWORD = ("pdf_password", 422, FAIL,
        "The PDF needs a password.", "Save it without one, and send that.")
    PDF_TOO_COSTLY = ("pdf_too_costly", 413, FAIL,
        "The PDF takes more time or memory to draw than it may.",
        "Print it to a new PDF, or send its pages as images.")
    PATH_TOO_LONG = ("path_too_long", 400, FAIL,
        "The file's path is too long.", "Give it a shorter name.")
    UNSAFE_PATH = ("unsafe_path", 400, FAIL,
        "This entry's path points out of the zip, or is a link.", "Pack the file itself.")
    ENCRYPTED_ENTRY = ("encrypted_entry", 400, FAIL,
        "This file in the zip is encrypted.", "Pack the zip without a password.")
    BAD_ZIP_ENTRY = ("bad_zip_entry", 400, FAIL,
        "This file in the zip cannot be unpacked.", "Pack the zip again, and send it.")
    NESTED_ZIP = ("nested_zip", 400, FAIL,
        "This file is a zip in a zip, which is not unpacked.", "Send what is in the outer zip.")
    BAD_ZIP = ("bad_zip", 400, FAIL,
        "The zip cannot be read.", "Pack it again, and send it.")
    EMPTY_ZIP = ("empty_zip", 400, FAIL,
        "There is no file in the zip.", "Pack it again, and send it.")
    TOO_MANY_ENTRIES = ("too_many_entries", 413, FAIL,
        "The zip has too many files.", "Send it in parts.")
    ZIP_TOO_LARGE = ("zip_too_large", 413, FAIL,
        "The zip is too large once unpacked.", "Send it in parts.")
    REQUEST_TOO_COSTLY = ("request_too_costly", 413, FAIL,
        "The files that came with this one took too long to look at.", "Send it again, with fewer others.")

    # An image at an address.
    FETCH_IS_OFF = ("fetch_is_off", 403, FAIL,
        "This server fetches no images from addresses.",
        "Send the file itself, or ask those who run the server to allow it.")
    BAD_URL = ("bad_url", 400, FAIL,
        "This is no address from which an image is fetched.",
        "Begin it with https://, and leave passwords out of it.")
    URL_NOT_ALLOWED = ("url_not_allowed", 403, FAIL,
        "Nothing is fetched from this host.",
        "Send the file itself, or ask those who run the server to allow the host.")
    NO_PUBLIC_ADDRESS = ("no_public_address", 422, FAIL,
        "The host has no public address.", "Send the file itself.")
    FETCH_FAILED = ("fetch_failed", 422, FAIL,
        "The image could not be fetched from its address.", "Check the address, or send the file itself.")
    FETCH_TOO_SLOW = ("fetch_too_slow", 422, FAIL,
        "The image took too long to be fetched.", "Send the address again, or the file itself.")

    # A job.
    EMPTY_ANSWER = ("empty_answer", 500, FAIL,
        "The model said nothing.", "Ask in other words, or again with more tokens (max_new_tokens).")
    INCOMPLETE_ANSWER = ("incomplete_answer", 500, FAIL,
        "The answer was cut before all of it was there.",
        "Ask again with more tokens (max_new_tokens), or for less.")
    CONTENT_FILTER = ("content_filter", 500, FAIL,
        "The server that has the model withholds its answer.", "Ask in other words, or another model.")
    DEADLINE_EXCEEDED = ("deadline_exceeded", 500, FAIL,
        "It took longer than an answer may take.", "Retry with a shorter question or a smaller image.")
    ANSWER_TOO_LATE = ("answer_too_late", 500, FAIL,
        "The answer did not come for as long as a request waits.",
        "Ask again when less waits, or make a batch.")
    POISON = ("poison", 500, FAIL,
        "A worker crashed on this image, more than once.",
        "Look at the image; save it anew before you retry.")
    ENGINE_FAILED = ("engine_failed", 500, FAIL,
        "The model failed on this image.", "Retry. If it fails again, the worker's log says why.")
    OUT_OF_MEMORY = ("out_of_memory", 500, FAIL,
        "The device ran out of memory on this image.", "Scale the image down, or retry on a larger device.")

    # The server.
    QUEUE_FULL = ("queue_full", 429, RETRY,
        "The queue is full.", "Try again when some images are done.")
    QUOTA_EXCEEDED = ("quota_exceeded", 429, RETRY,
        "A quota is used up.", "Try again when it has renewed, or ask for a larger one.")
    BLOB_STORE_UNAVAILABLE = ("blob_store_unavailable", 503, RETRY,
        "The image store does not answer.", "Try again in a moment.")
    IMAGE_BEING_DELETED = ("image_being_deleted", 503, RETRY,
        "An older copy of this image is being deleted.", "Try again in a moment.")
    REDIS_UNAVAILABLE = ("redis_unavailable", 503, RETRY,
        "The server cannot answer now: Redis is away.", "Try again in a moment.")
    TOO_MANY_CONNECTIONS = ("too_many_connections", 503, RETRY,
        "The server has as many connections as it can take.", "Try again in a moment.")
    TOO_MANY_WORKBOOKS = ("too_many_workbooks", 503, RETRY,
        "The server writes as many workbooks at a time as it may.", "Try again in a moment, or take the CSV.")
    TOO_MANY_SCHEMAS = ("too_many_schemas", 503, RETRY,
        "The server reads as many schemas of answers at a time as it may.", "Try again in a moment.")
    REDIS_FULL = ("redis_full", 503, RETRY,
        "The server takes nothing new: Redis is full.",
        "Delete batches that are not needed any more, or give Redis more memory.")
    REDIS_REFUSES = ("redis_refuses", 503, RETRY,
        "The server takes nothing new: Redis refuses it.",
        "Try again in a moment; the server's log says why.")
    SERVER_STOPS = ("server_stops", 503, RETRY,
        "The server is being stopped, or started anew.", "Try again in a moment.")
    NO_ROOM = ("no_room", 507, FAIL,
        "The server's disk is full.", "Make room there.")
    PROVIDER_UNAVAILABLE = ("provider_unavailable", 503, RETRY,
        "The server where you sign in does not answer.", "Try again in a moment, or sign in with a key.")
    INTERNAL_ERROR = ("internal_error", 500, FAIL,
        "Something went wrong here that should not have.",
        "Retry. If it fails again, the server's log says why.")
    # fmt: on

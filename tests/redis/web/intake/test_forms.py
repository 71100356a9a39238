"""Forms as programs send them: no part is lost for its name, and a broken body is called one."""

import re

import pytest

from tests.asking import IMAGE, new_batch
from tests.files import hostile
from tests.files.forms import BOUNDARY, bare_part, form, part, post, text
from tests.redis.web.test_jobs import code_of

pytestmark = pytest.mark.redis
#: Another image than IMAGE, so that no two files here are one.
OTHER = hostile.encoded(size=(9, 7))
GOOD = part('name="files"; filename="good.png"', IMAGE, "Content-Type: image/png")
#: What the head of a part says of its name, and the name that it gets.
NAMES = {
    "GBK": (b'name="files"; filename="' + "照片.png".encode("gbk") + b'"', "照片.png"),
    "GBK whose last byte is a backslash": (b'name="files"; filename="\xb2\xe2\x95\\"', "测昞"),
    "Shift-JIS": (b'name="files"; filename="' + "テスト.png".encode("cp932") + b'"', "テスト.png"),
    "Latin-1": (b'name="files"; filename="l\xe4t.png"', "lät.png"),
    "none": (b'name="files"', "unnamed"),
    "empty": (b'name="files"; filename=""', "unnamed"),
    "without quotes": (b"name=files; filename=a.png", "a.png"),
    "no end": (b'name="files"; filename="a.png', "unnamed"),
    "extended, Latin-1": (b"name=\"files\"; filename*=iso-8859-1''l%E4t.png", "lät.png"),
    "extended, GBK": (b"name=\"files\"; filename*=GBK''%D5%D5%C6%AC.png", "照片.png"),
    "extended, Big5": (b"name=\"files\"; filename*=big5'zh'%B7%D3%A4%F9.png", "照片.png"),
    "extended, unknown": (b"name=\"files\"; filename*=x-none''%D5%D5%C6%AC.png", "照片.png"),
    "extended, not its charset": (b"name=\"files\"; filename*=UTF-8''%D5%D5%C6%AC.png", "照片.png"),
    "both": (b'name="files"; filename*=UTF-8\'\'%E7%85%A7.png; filename="_.png"', "照.png"),
    "a plain one like an extended one": (
        b'name="files"; filename="a; filename*=UTF-8\'\'b.png"',
        "a; filename*=UTF-8''b.png",
    ),
    "backslashes before letters": (b'name="files"; filename="sub\\new.png"', "sub/new.png"),
    "a Windows path": (b'name="files"; filename="C:\\Users\\me\\a.png"', "C:/Users/me/a.png"),
    "a Windows path, escaped": (b'name="files"; filename="C:\\\\Users\\\\me\\\\a.png"', "C:/Users/me/a.png"),
    "a Windows path in GBK": (
        b'name="files"; filename="' + "图\\表\\1.png".encode("gbk") + b'"',
        "图/表/1.png",
    ),
    "quotes, escaped": (b'name="files"; filename="say \\"hi\\""', 'say "hi"'),
    "quotes and backslashes": (b'name="files"; filename="a%22b\\c\\".png"', 'a"b/c".png'),
    "a backslash at the end": (b'name="files"; filename="folder\\"', "folder"),
    "no field": (b'filename="a.png"', "a.png"),
    "another field": (b'name="image"; filename="a.png"', "a.png"),
}


def files_of(sent) -> list[tuple[str, str]]:
    assert sent.status_code == 202, sent.text
    return [(file["file"], file["state"]) for file in sent.json["files"]]


@pytest.mark.parametrize("kind", NAMES)
def test_a_file_is_taken_whatever_its_name_is_written_in(http, kind):
    disposition, name = NAMES[kind]
    odd = part(disposition, OTHER, "Content-Type: image/png")
    batch = new_batch(http)
    alone = files_of(post(http, f"{batch}/files", form(odd)))
    assert [state for _, state in alone] == ["accepted"]
    assert name in (None, alone[0][0])
    beside = files_of(post(http, f"{new_batch(http)}/files", form(GOOD, odd, GOOD.replace(b"good", b"last"))))
    assert sorted(beside) == sorted([("good.png", "accepted"), *alone, ("last.png", "accepted")])


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize("address", ["/api/jobs", "/analyze"])
def test_so_is_the_file_of_a_single_question(http, address, kind):
    disposition, name = NAMES[kind]
    disposition = disposition.replace(b'"files"', b'"file"').replace(b"=files", b"=file")
    odd = part(disposition, OTHER, "Content-Type: image/png")
    wait = [text("wait", "0")] if address == "/analyze" else []
    sent = post(http, address, form(odd, text("question", "?"), text("model", "nano"), *wait))
    if "field" in kind:
        assert code_of(sent) == (400, "missing_file")
    else:
        assert sent.status_code == 202, sent.text
        assert name in (None, sent.json["file"])


@pytest.mark.parametrize("kind", NAMES)
def test_so_is_a_file_of_the_form_without_scripts(http, kind):
    disposition, name = NAMES[kind]
    fields = (text("question", "?"), text("model", "nano"))
    sent = post(http, "/batches", form(GOOD, part(disposition, OTHER), *fields))
    assert sent.status_code == 303, sent.text
    page = http.get(f"/api{sent.location}/results").json["jobs"]
    assert len(page) == 2
    assert name is None or name in {job["file"] for job in page}


def test_a_part_without_any_name_is_refused_by_itself_when_it_is_no_image(http):
    parts = (GOOD, bare_part(b"X-Nothing: known", b"x"), bare_part(b"Content-Type: image/png", OTHER))
    sent = files_of(post(http, f"{new_batch(http)}/files", form(*parts)))
    assert sent[0] == ("good.png", "accepted")
    assert {state for _, state in sent} == {"accepted", "rejected"}
    assert len(sent) == 3


def test_a_zip_without_a_name_is_unpacked(http):
    packed = part('name="files"', hostile.zipped({"a.png": IMAGE}), "Content-Type: application/zip")
    assert files_of(post(http, f"{new_batch(http)}/files", form(packed))) == [("a.png", "accepted")]


def test_no_file_chosen_is_no_file(http):
    nothing = part('name="files"; filename=""', b"", "Content-Type: application/octet-stream")
    batch = new_batch(http)
    assert code_of(post(http, f"{batch}/files", form(nothing))) == (400, "missing_file")
    assert files_of(post(http, f"{batch}/files", form(nothing, GOOD))) == [("good.png", "accepted")]
    said = post(http, "/batches", form(nothing, text("question", "?")))
    assert "No image was chosen" in said.text


def test_an_empty_file_with_a_name_is_a_file(http):
    empty = part('name="files"; filename="a.png"', b"", "Content-Type: application/octet-stream")
    (outcome,) = post(http, f"{new_batch(http)}/files", form(empty)).json["files"]
    assert (outcome["file"], outcome["error"]["code"]) == ("a.png", "empty_file")


def test_a_second_file_of_a_single_question_is_not_left_out_unsaid(http):
    fields = (text("question", "?"), text("model", "nano"))
    one = part('name="file"; filename="a.png"', IMAGE)
    assert post(http, "/api/jobs", form(one, *fields)).json["images"] is None
    other = part('name="file"; filename="b.png"', OTHER)
    assert len(post(http, "/api/jobs", form(one, other, *fields)).json["images"]) == 2
    other = part('name="image"; filename="b.png"', OTHER)
    refused = post(http, "/api/jobs", form(one, other, *fields))
    assert code_of(refused) == (400, "invalid_field")
    assert "b.png" in refused.json["detail"]


def test_a_question_that_comes_as_a_file_is_not_left_out_unsaid(http):
    asked = part('name="question"; filename="q.txt"', b"What?")
    refused = post(http, "/api/jobs", form(part('name="file"; filename="a.png"', IMAGE), asked))
    assert code_of(refused) == (400, "invalid_field")
    assert "q.txt" in refused.json["detail"]


@pytest.mark.parametrize(
    ("address", "field"),
    [("files", "quesitons"), ("files", "question"), ("/api/jobs", "wait"), ("/analyze", "q")],
)
@pytest.mark.parametrize("value", ["{}", ""])
def test_a_field_that_there_is_not_is_refused_by_name(http, address, field, value):
    batch = new_batch(http)
    at, kind = (f"{batch}/files", "files") if address == "files" else (address, "file")
    image = part(f'name="{kind}"; filename="a.png"', IMAGE)
    refused = post(http, at, form(image, text(field, value)))
    assert code_of(refused) == (400, "invalid_field")
    assert f"`{field}`" in refused.json["detail"]
    assert http.get(f"{batch}/results").json["jobs"] == []


@pytest.mark.parametrize("address", ["files", "/api/jobs", "/analyze"])
def test_a_field_that_is_there_twice_is_refused_by_name(http, address):
    field, value = ("questions", '{"a.png": "?"}') if address == "files" else ("question", "Why?")
    at, kind = (f"{new_batch(http)}/files", "files") if address == "files" else (address, "file")
    image = part(f'name="{kind}"; filename="a.png"', IMAGE)
    refused = post(http, at, form(text(field, value), image, text(field, value)))
    assert code_of(refused) == (400, "invalid_field")
    assert f"`{field}` is there twice" in refused.json["detail"]


@pytest.mark.parametrize(
    ("field", "value", "twice"),
    [
        ("questions", '{"a.png": "Is it red?", "a.png": "Is it blue?"}', "a.png"),
        ("jobs", '[{"file": "x", "files": ["a.png"], "file": "y"}]', "file"),
    ],
)
def test_a_key_that_is_twice_in_a_field_of_json_is_refused_by_name(http, field, value, twice):
    batch = new_batch(http)
    image = part('name="files"; filename="a.png"', IMAGE)
    refused = post(http, f"{batch}/files", form(text(field, value), image))
    assert code_of(refused) == (400, "invalid_field")
    assert f"it has `{twice}` twice in one object" in refused.json["detail"]
    assert http.get(f"{batch}/results").json["jobs"] == []


def test_a_form_may_say_what_it_is_written_in(http):
    image = part('name="files"; filename="a.png"', IMAGE)
    assert post(http, f"{new_batch(http)}/files", form(image, text("_charset_", "utf-8"))).status_code == 202


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("max_tokens", "3"), "There is no field `max_tokens` in this form."),
        (("temperature", "2"), "There is no field `temperature` in this form."),
        (("question", "Is it blue?"), "`question` is there twice in the form."),
    ],
)
def test_the_form_without_scripts_is_refused_with_a_field_that_it_has_not_or_has_twice(http, more, says):
    image, asked = part('name="files"; filename="a.png"', IMAGE), text("question", "Is it red?")
    sent = form(image, asked, text("model", "nano"), text("once", "1" * 32), text(*more))
    refused = post(http, "/batches", sent)
    assert (refused.status_code, refused.mimetype) == (400, "text/html")
    assert says in refused.text
    assert "Is it red?" in refused.text
    in_chinese = post(http, "/batches", sent, **{"Accept-Language": "zh-CN"})
    assert (in_chinese.status_code, '<html lang="zh">' in in_chinese.text) == (400, True)
    assert "有一个值不被服务器接受。" in in_chinese.text
    assert http.get("/api/batches").json["batches"] == []


def test_the_form_without_scripts_is_taken_with_all_the_fields_that_its_page_has(http):
    page = http.get("/").text
    names = set(
        re.findall(r'<(?:input|textarea|select)[^>]*?\sname="(\w+)"', page.split('<form id="ask"')[1])
    )
    image = part('name="files"; filename="a.png"', IMAGE)
    fields = dict.fromkeys(names - {"files"}, "") | {"question": "?", "model": "nano", "answer": "text"}
    assert {"once", "answer", "dpi", "schema"} <= fields.keys()
    fields["once"] = "1" * 32
    sent = post(http, "/batches", form(image, *(text(*field) for field in fields.items())))
    assert sent.status_code == 303, sent.text


@pytest.mark.parametrize("address", ["/api/jobs", "/batches"])
def test_a_question_is_read_in_its_charset_and_never_guessed(http, address):
    image = part('name="file"; filename="a.png"', IMAGE)
    field, model = "这是什么？".encode("gbk"), text("model", "nano")
    asked = post(
        http, address, form(image, model, text("question", field, "Content-Type: text/plain; charset=GBK"))
    )
    assert asked.status_code in (202, 303), asked.text
    if asked.is_json:
        assert asked.json["question"] == "这是什么？"
    for charset in ("", "; charset=utf-8", "; charset=nonsense", "; charset=unicode_escape"):
        refused = post(
            http, address, form(image, model, text("question", field, f"Content-Type: text/plain{charset}"))
        )
        assert refused.status_code == 400
        assert "question" in refused.text


@pytest.mark.parametrize(
    "question",
    [
        "[" * 2000,
        '{"a":' * 700,
        '{"a": [1, 2]}',
        "12",
        "null",
        "NaN",
        "9" * 3999,
        '"q"',
        "\\ud800",
        "%",
        "a\0b",
    ],
)
def test_a_question_is_text_whatever_it_looks_like(http, question):
    image = part('name="file"; filename="a.png"', IMAGE)
    asked = post(http, "/api/jobs", form(image, text("question", question), text("model", "nano")))
    assert (asked.status_code, asked.json["question"]) == (202, question)
    asked = post(http, "/batches", form(image, text("question", question), text("model", "nano")))
    assert asked.status_code == 303


WHOLE = form(GOOD, text("question", "?"))


@pytest.mark.parametrize("address", ["files", "/api/jobs", "/analyze", "/batches"])
@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (WHOLE, "multipart/form-data"),
        (WHOLE, "multipart/form-data; boundary="),
        (WHOLE, "multipart/form-data; boundary=another"),
        (WHOLE, "multipart/form-data; boundary=é"),
        (WHOLE[:-20], f"multipart/form-data; boundary={BOUNDARY}"),
        (WHOLE[:80], f"multipart/form-data; boundary={BOUNDARY}"),
        (WHOLE[:30], f"multipart/form-data; boundary={BOUNDARY}"),
        (b"\r\n", f"multipart/form-data; boundary={BOUNDARY}"),
        (b"no form", f"multipart/form-data; boundary={BOUNDARY}"),
        (IMAGE, "image/png"),
        (IMAGE, ""),
        (b'{"question": "?"}', "application/json"),
        (b"question=\xff", "application/x-www-form-urlencoded"),
    ],
)
def test_a_body_that_is_no_form_says_so(http, address, body, content_type):
    address = f"{new_batch(http)}/files" if address == "files" else address
    refused = post(http, address, body, content_type)
    assert refused.status_code == 400
    if address == "/batches":
        assert "form" in refused.text
    else:
        assert code_of(refused) == (400, "malformed_form")


@pytest.mark.parametrize("more", [{}, {"Idempotency-Key": "k"}], ids=["plain", "keyed"])
@pytest.mark.parametrize("address", ["/analyze", "/api/jobs", "files"])
@pytest.mark.parametrize("field", ["file", "files"])
def test_a_file_that_is_only_named_in_text_is_asked_for(http, address, field, more):
    address = f"{new_batch(http)}/files" if address == "files" else address
    for body in (f"question=x&{field}=a.png", f"{field}=&{field}=@b.png", f"{field}="):
        refused = post(http, address, body.encode(), "application/x-www-form-urlencoded", **more)
        assert code_of(refused) == (400, "missing_file")
        assert f"curl -F {field}=@" in refused.json["detail"]


def test_a_large_body_with_another_boundary_says_so_too(http):
    body = WHOLE + b"x" * 20_000_000
    refused = post(http, "/api/jobs", body, "multipart/form-data; boundary=another")
    assert code_of(refused) == (400, "malformed_form")


TOO_LONG = {
    "a name of a hundred thousand letters": b'name="files"; filename="' + b"a" * 100_000 + b'.png"',
    "very many lines": b'name="files"; filename="lines.png"' + b"\r\nX-Line: 1" * 100,
    "very many parameters": b'name="files"; filename="parameters.png"' + b"; a=1" * 100,
    "no name that can be read": b'name="files"; filename*=' + b"UTF-8''" + b"%41" * 100_000,
}


@pytest.mark.parametrize("kind", TOO_LONG)
def test_a_file_with_headers_that_are_too_long_is_refused_alone(http, kind):
    odd = part(TOO_LONG[kind], OTHER, "Content-Type: image/png")
    batch = new_batch(http)
    sent = post(http, f"{batch}/files", form(odd, GOOD))
    assert [state for _, state in files_of(sent)] == ["rejected", "accepted"]
    refused = sent.json["files"][0]
    assert refused["error"]["code"] == "malformed_form"
    begins = TOO_LONG[kind].split(b'filename="')[-1][:20].split(b'"')[0].decode()
    assert refused["file"].startswith(begins if "filename=" in TOO_LONG[kind].decode() else "unnamed")
    single = post(http, "/api/jobs", form(odd.replace(b'"files"', b'"file"'), text("question", "?")))
    assert code_of(single) == (400, "malformed_form")


def test_a_text_with_headers_that_are_too_long_is_no_text_that_is_passed_over(http):
    question = part(b'name="question"' + b"\r\nX-Line: 1" * 100, b"what?")
    batch = new_batch(http)
    assert code_of(post(http, f"{batch}/files", form(question, GOOD))) == (400, "malformed_form")


def test_a_name_of_megabytes_is_refused_before_it_is_looked_at(http):
    body = form(part(b'name="file"; filename="' + b"\xe4" * 10_000_000 + b'"', IMAGE))
    refused = post(http, "/api/jobs", body)
    assert code_of(refused) == (400, "malformed_form")
    assert "shorter name" in refused.json["detail"]


def test_texts_of_a_form_are_limited_together(http):
    many = [text(f"f{number}", "x" * 3_000_000) for number in range(8)]
    assert code_of(post(http, "/api/jobs", form(*many))) == (413, "request_too_large")

"""The encoding of names that do not say it, from the names themselves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.intake.names.encodings import decoded

#: What people call their files, in the encoding that their system packs them in.
FOLDERS = {
    "gbk": [
        "照片/发票一.png",
        "照片/发票二.png",
        "我的假期/黄山日出.jpg",
        "体检报告2023.jpg",
        "谢谢惠顾.jpg",
        "厨房.jpg",
    ],
    "gb18030": ["说明（最终版）.png", "绿萝.jpg", "赵丽颖 合影.jpg", "装修效果图/客厅.png"],
    "cp932": [
        "日程表/ソ.png",
        "表.png",
        "写真/家族旅行.jpg",
        "スクリーンショット 1.png",
        "富士山.jpg",
        "噂.jpg",
    ],
    "cp950": ["照片/發票一.png", "身分證正面.jpg", "螢幕擷取畫面.png", "許蓋功.jpg", "客廳設計.jpg"],
    "cp949": ["사진/가족.jpg", "영수증.jpg", "새 폴더/그림1.png", "고양이.jpg", "주민등록증.jpg"],
    "cp437": ["Übersicht.png", "Köln/Straße.jpg", "für Oma.jpg", "café.jpg", "mañana.jpg", "Größe.png"],
    "cp850": ["São João.png", "Ação.png", "maçã.png", "Køge.png", "Ørsted.png", "Ærø.png", "Íñigo.png"],
    "cp1252": [
        "Übersicht.png",
        "Málaga.png",
        "Porträt.png",
        "école.png",
        "São Paulo.jpg",
        "Øresund.jpg",
        "été à la mer.jpg",
        "coração.jpg",
    ],
    "cp866": [
        "Отпуск/море.jpg",
        "паспорт.jpg",
        "Новая папка/фото.jpg",
        "Снимок экрана.png",
        "ФОТО 1.png",
        "скан2.png",
    ],
    "cp1251": ["Отпуск/море.jpg", "договор.pdf", "бабушка.jpg", "IMG ФОТО 1.png", "СКАН_2.png", "скан2.png"],
    "utf-8": [
        "照片/发票.png",
        "für Oma.jpg",
        "море.jpg",
        "写真.png",
        "🖼️.png",
        "é.png",
        "5°C.png",
        "e\u0301te\u0301.png",
    ],
}


@pytest.mark.parametrize("encoding", FOLDERS)
def test_names_of_one_folder_are_read(encoding):
    names = [*FOLDERS[encoding], "plain.png"]
    assert decoded([name.encode(encoding) for name in names]) == names


@pytest.mark.parametrize(
    ("encoding", "name"),
    [(encoding, name) for encoding in FOLDERS for name in FOLDERS[encoding]],
    ids=lambda value: value.encode("ascii", "backslashreplace").decode(),
)
def test_a_name_alone_is_read_too(encoding, name):
    assert decoded([name.encode(encoding)]) == [name]


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        *(("gbk", name) for name in ("1楼.png", "A楼.png", "图.png", "一.png", "前.png", "DSC_正面.png")),
        *(
            ("cp932", name)
            for name in ("ﾃｽﾄ.png", "ｶﾒﾗ1.jpg", "①.png", "テスト.png", "ノート.png", "1階.png")
        ),
        *(("cp949", name) for name in ("표.png", "1층.png", "집.png")),
        ("cp950", "1樓.png"),
        ("cp850", "ø.png"),
        ("cp1252", "À faire.png"),
    ],
)
def test_a_name_of_a_character_or_two_is_read(encoding, name):
    assert decoded([name.encode(encoding)]) == [name]


@pytest.mark.parametrize(
    "name",
    ["è più.png", "Łódź.png", "Ελλάδα.png", "Київ.png", "תמונה.png", "صورة.png", "İstanbul.png", "£5.png"],
)
def test_letters_of_two_bytes_in_utf8_are_read(name):
    assert decoded([name.encode()]) == [name]


def test_one_name_in_another_encoding_does_not_spoil_the_others():
    names = [name.encode("gbk") for name in FOLDERS["gbk"]]
    read = decoded([*names, "写真.png".encode(), b"cut \xff"])
    assert read[:-1] == [*FOLDERS["gbk"], "写真.png"]
    assert read[-1].startswith("cut ")


def test_a_name_that_the_encoding_of_the_others_would_tear_is_read_in_another():
    names = [(name, "cp932") for name in FOLDERS["cp932"]] + [("謀.png", "gbk")]
    assert decoded([name.encode(encoding) for name, encoding in names]) == [name for name, _ in names]


def test_names_without_anything_beyond_ascii_stay():
    assert decoded([b"a.png", b"", b"a\\b.png"]) == ["a.png", "", "a\\b.png"]


@given(st.lists(st.binary(max_size=20), max_size=5))
def test_whatever_the_bytes_each_name_is_some_text(names):
    texts = decoded(names)
    assert len(texts) == len(names)
    assert all(text.encode() for text in texts if text)

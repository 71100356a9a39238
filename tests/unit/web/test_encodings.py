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


#: Words that in CP866 are valid UTF-8, of rare Chinese characters, a Mongolian one, and of none at all.
CYRILLIC_AS_UTF8 = ["чек.png", "чай 12.jpg", "фон_1.png", "сад.png", "рак.png", "ребёнок.jpg", "фольга.jpg"]


@pytest.mark.parametrize("name", [*CYRILLIC_AS_UTF8, "диплом.jpg", "обои.jpg", "молоко.jpg", "инн.jpg"])
def test_a_word_in_cyrillic_is_read_though_it_is_valid_in_other_encodings(name):
    assert decoded([name.encode("cp866")]) == [name]


def test_words_in_cyrillic_that_are_valid_utf8_are_read_as_the_rest_of_their_folder():
    for rest in (["квартира.png"], ["Документы/паспорт.png", "Документы/договор.png"], []):
        names = [*rest, *CYRILLIC_AS_UTF8]
        assert decoded([name.encode("cp866") for name in names]) == names
    numbered = [f"чек {number}.jpg" for number in range(1, 51)]
    assert decoded([name.encode("cp866") for name in numbered]) == numbered


@pytest.mark.parametrize(
    "name",
    [
        "樂.png",
        "楠木.png",
        "栠 桥.png",
        "祪 照片.png",
        "हिन्दी.png",
        "ไทย.png",
        "Việt.png",
        "—.png",
        "죠스바.png",
    ],
)
def test_characters_that_people_use_stay_utf8(name):
    assert decoded([name.encode()]) == [name]


def test_rare_characters_stay_utf8_beside_such_that_people_use():
    names = ["祪.png", "砩.png", "照片.png"]
    assert decoded([name.encode() for name in names]) == names


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        *(("cp949", name) for name in ("홍길동.jpg", "꽃.jpg", "메뉴판.jpg", "타일.jpg", "얼룩.jpg")),
        *(("gbk", name) for name in ("刘强.jpg", "快递.jpg", "马超.jpg", "沙滩.jpg", "鑫鑫.jpg")),
        ("cp1251", "обои.jpg"),
        ("cp1252", "œuvre.jpg"),
    ],
)
def test_frequent_characters_decide_between_encodings_of_the_same_bytes(encoding, name):
    assert decoded([name.encode(encoding)]) == [name]


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

"""The file in which people list models: what it says, and the line of what is wrong in it."""

import re
from pathlib import Path

import pytest

from jobs.contract.catalog import NANO, EngineName, Words
from jobs.contract.catalog_file.catalog import Catalog
from jobs.contract.catalog_file.entry import Entry
from jobs.contract.catalog_file.reading import read_catalog
from jobs.contract.settings import BadSetting, Settings, WorkerSettings
from web.pages.i18n import LANGUAGES

WHOLE = """\
models:
  - name: receipts
    source: Qwen/Qwen2.5-VL-7B-Instruct
    description: {en: Reads receipts, zh: 读取收据}
    presets:
      - question: {en: What was paid?, zh: 付了多少？}
        label: {en: No tax, zh: 不含税}
      - question: Who sold it?
    slots: 8
    max_pixels: 501760
    prompt: |
      You read receipts.
      {question}
    fields:
      - total:number:what was paid, tax included
      - kind:cash|card []
    price: 0.40 EUR
  - name: nano
    source: openai:tiny
"""


@pytest.fixture
def reading(tmp_path, monkeypatch):
    """Reads a text as the file."""
    for variable in ("EVA01_SLOTS", "MAX_PIXELS"):
        monkeypatch.delenv(variable, raising=False)
    path = tmp_path / "models.yaml"

    def read(text: str | bytes) -> Catalog:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_catalog(path)

    return read


def test_without_a_file_there_are_the_models_we_know():
    catalog = read_catalog(Settings().catalog)
    assert (catalog.cards, catalog.card_for("nano")) == ({}, NANO)
    assert catalog.card_for("org/Any-VL").name == "any-vl"


def test_all_that_may_be_said_of_a_model_is_on_its_card(reading):
    card = reading(WHOLE).card_for("receipts")
    assert (card.source, card.engine) == ("Qwen/Qwen2.5-VL-7B-Instruct", EngineName.TRANSFORMERS)
    assert (card.description, card.descriptions) == (
        "Reads receipts",
        Words(en="Reads receipts", zh="读取收据"),
    )
    first, second = card.presets
    assert (first.label.en, first.question.zh) == ("No tax", "付了多少？")
    assert second.label == second.question == Words(en="Who sold it?", zh="Who sold it?")
    assert [field.short for field in card.fields] == [
        "total:number:what was paid, tax included",
        "kind:cash|card[]",
    ]
    assert card.price
    assert (card.price.amount, card.price.currency) == (0.4, "EUR")
    assert card.prompt == "You read receipts.\n{question}"


def test_a_name_of_ours_may_stand_for_another_model(reading):
    catalog = reading(WHOLE)
    assert [*catalog.cards] == ["receipts", "nano"]
    assert catalog.card_for("nano").source == "openai:tiny"
    assert catalog.card_for("nano").engine is EngineName.OPENAI
    again = reading("models: [{name: shapes, source: nano}]").card_for("shapes")
    assert (again.source, again.description, again.descriptions) == (NANO.source, NANO.description, None)


@pytest.mark.parametrize("said", ["是", "{zh: 是}", "{en: 是}", "{en: '是 ', zh: 是}"])
def test_what_is_said_in_one_language_is_said_in_both(reading, said):
    card = reading(f"models: [{{name: a, source: nano, description: {said}}}]").card_for("a")
    assert card.descriptions == Words(en="是", zh="是")


def test_a_card_is_the_same_once_redis_has_it(reading):
    card = reading(WHOLE).card_for("receipts")
    assert type(card).model_validate_json(card.model_dump_json()) == card


def test_what_a_workers_environment_says_goes_before_the_file(reading, monkeypatch):
    catalog = reading(WHOLE)
    card = catalog.card_for("receipts")
    settled = catalog.settle(card, WorkerSettings.read())
    assert (settled.slots, settled.max_pixels) == (8, 501760)
    monkeypatch.setenv("EVA01_SLOTS", "3")
    settled = catalog.settle(card, WorkerSettings.read())
    assert (settled.slots, settled.max_pixels) == (3, 501760)
    other = catalog.card_for("org/Receipts")
    assert catalog.settle(other, WorkerSettings.read()).max_pixels == 1_048_576


def test_what_is_written_as_nothing_is_as_if_it_were_left_out(reading):
    keys = ("description", "presets", "slots", "max_pixels", "prompt", "fields", "price")
    said = "models:\n  - name: mine\n    source: nano\n"
    assert reading(said + "".join(f"    {key}: ~\n" for key in keys)).entries == reading(said).entries


def test_the_languages_are_those_of_the_page():
    assert [*Words.model_fields] == [*LANGUAGES]


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        ("slots: 8", "slotz: 8", "line 9: there is no key `slotz` here"),
        ("models:", "modells:", "line 1: there is no key `modells` here; .*; 1 more below"),
        ("zh: 读取收据", "fr: x", "line 4: there is no key `fr` here"),
        ("    source: Q", "    # Q", "line 2: `source` is missing"),
        ("name: receipts", "name: Receipts", "line 2: name='Receipts': .*pattern"),
        ("name: nano", "name: receipts", "line 18: there are two models called 'receipts'; rename one"),
        ("slots: 8", "slots: 0", "line 9: slots='0': .*greater"),
        ("slots: 8", "slots: many", "line 9: slots='many': .*integer"),
        ("501760", "5", "line 10: max_pixels='5': .*784"),
        ("{question}", "", "line 11: prompt=.*{question} in it once"),
        ("{question}", "{question} {question}", "line 11: prompt=.*{question} in it once"),
        ("- total:number", "- total: number", "line 15: fields=.*no space behind the colon"),
        ("total:number", "total:numbr", "line 15: .*'numbr' is no type"),
        ("kind:", "total:", r"line 14: fields=.*two fields called 'total'. Rename one\. docs/"),
        ("Qwen/Qwen2.5-VL-7B-Instruct", "bundled:../../etc", "line 3: source=.*by its name: ocr or nano"),
        ("0.40 EUR", "cheap", "line 17: price='cheap': .*such as 0.40 EUR"),
        ("Who sold it?", "", "line 8: question=None: should be keys"),
        ("slots: 8", "slots: 8\n    slots: 9", "line 10: .*'slots' is there twice"),
        ("source: Qwen/Qwen2.5-VL-7B-Instruct", "source: ocr", "line 5: .*ocr uses no question"),
        ("  - name: nano", "  - nano\n  - name: n", "line 18: models='nano': should be keys"),
        ("0.40 EUR", f"{'9' * 400} EUR", "line 17: price='9"),
        ("price: 0.40 EUR", "price: {", "line 18: it is no YAML"),
        ("price: 0.40 EUR", "\tprice: 1", "line 17: it is no YAML"),
        ("price: 0.40 EUR", "price: \0", "line 17: it is no YAML"),
        ("price: 0.40 EUR", "price: &a [*a]", "it is nested too deeply"),
        ("name: nano", "name: !!python/name:os.system nano", "line 18: .*has no meaning here"),
    ],
)
def test_what_is_wrong_is_one_line_with_the_number_of_the_line_that_is(reading, was, now, said):
    with pytest.raises(BadSetting, match=rf"^EVA01_CATALOG=\S+models\.yaml: .*{said}") as caught:
        reading(WHOLE.replace(was, now, 1))
    assert str(caught.value).endswith(". docs/configuration.md says what may stand in it.")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: the file=None: should be keys"),
        ("- a", "line 1: the file="),
        ("models:\n", "line 1: models=None: should be a list"),
        ("models: 3", "line 1: models='3': should be a list"),
        ("[" * 5000 + "]" * 5000, "line 1: it is no YAML"),
        (b"models:\n- name: \xff", "line 2: it is no UTF-8"),
    ],
)
def test_a_file_that_lists_nothing_is_refused(reading, text, said):
    with pytest.raises(BadSetting, match=said):
        reading(text)


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(BadSetting, match=r"^EVA01_CATALOG=\S+: it cannot be read \(No such file"):
        read_catalog(tmp_path / "none.yaml")


def test_the_example_in_the_configuration_page_can_be_read(reading):
    page = Path("docs/configuration.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```yaml\n(models:.*?)^```", page, re.MULTILINE | re.DOTALL)
    catalog = reading(example)
    said = catalog.entries["receipts"].model_dump(exclude_defaults=True)
    assert set(said) == set(Entry.model_fields), "it shows every key"
    assert catalog.card_for("nano").source == "openai:tiny-vl"

"""JSON that is read strictly: no key twice in an object, wherever it is."""

import pytest

from web.http.json import Unusable, value_in


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('{"model": "ocr", "model": "nano"}', "model"),
        ('{"a": 1, "b": [{"c": {"d": 1, "d": 1}}]}', "d"),
        ('[{"a": 1}, {"b": 1, "c": 2, "\\u0062": 3}]', "b"),
        ('{"": 1, "": 2}', ""),
        ('{"\\ud800": 1, "\\ud800": 2}', "?"),
        (f'{{"{150 * "k"}": 1, "{150 * "k"}": 2}}', 100 * "k"),
    ],
)
def test_a_key_that_an_object_has_twice_is_named(text, key):
    with pytest.raises(Unusable, match="twice") as refused:
        value_in(text)
    assert (refused.value.key, refused.value.code) == (key, "invalid_field")


def test_objects_beside_and_within_each_other_may_have_the_same_keys():
    assert value_in('[{"a": {"a": 1}}, {"a": 2, "A": 3}]') == [{"a": {"a": 1}}, {"a": 2, "A": 3}]


@pytest.mark.parametrize(
    "text",
    ['{"a": NaN}', "[" * 50_000, "[" + "1," * 100_001 + "1]", '["\\ud800"]'],
    ids=["NaN", "depth", "count", "half"],
)
def test_what_nobody_could_use_is_the_fault_of_no_key(text):
    with pytest.raises(Unusable) as refused:
        value_in(text)
    assert (refused.value.key, refused.value.code) == (None, "malformed_body")

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation import canonical
from foundation.errors import InvalidInput

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(values)
def test_what_is_written_reads_back_equal_and_has_one_text(value):
    text = canonical.dumps(value)
    assert canonical.loads(text, max_bytes=100_000) == value
    assert canonical.dumps(canonical.loads(text, max_bytes=100_000)) == text


def test_key_order_does_not_change_the_digest():
    assert canonical.digest({"a": 1, "b": 2}) == canonical.digest({"b": 2, "a": 1})


def test_a_float_has_no_canonical_form():
    with pytest.raises(TypeError):
        canonical.dumps({"price": 1.5})


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":2}',
        "NaN",
        "[Infinity]",
        "1.5",
        "1e3",
        "[" * 20 + "]" * 20,
        '"\ud800',
        "{",
        "",
        "1" * 5000,
    ],
)
def test_what_strangers_may_not_send_is_refused(text):
    with pytest.raises(InvalidInput):
        canonical.loads(text.encode("utf-8", "surrogatepass"), max_bytes=100_000)


def test_size_is_checked_before_reading():
    with pytest.raises(InvalidInput) as refused:
        canonical.loads("[1,2,3]", max_bytes=3)
    assert refused.value.fields["limit_bytes"] == 3


def test_brackets_inside_texts_are_not_depth():
    assert canonical.loads('"[[[[[[[[[[[[[[[[[[[[["', max_bytes=100) == "[" * 21

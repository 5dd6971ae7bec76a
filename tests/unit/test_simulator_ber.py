"""SNMP messages as bytes and back: agrees with pyasn1's compiler of the same grammar."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyasn1.codec.ber import decoder, encoder
from pysnmp.proto.api import v2c

from capd.simulator import ber
from capd.simulator.ber import Message, Value, VarBind

arcs = st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=12)
names = arcs.map(lambda rest: (1, 3, *rest))
values = st.one_of(
    st.just(ber.NULL),
    st.integers(-(2**31), 2**31 - 1).map(lambda n: Value(ber.INTEGER, n)),
    st.integers(0, 2**32 - 1).map(lambda n: Value(ber.COUNTER32, n)),
    st.integers(0, 2**32 - 1).map(lambda n: Value(ber.TIMETICKS, n)),
    st.integers(0, 2**64 - 1).map(lambda n: Value(ber.COUNTER64, n)),
    st.binary(max_size=300).map(lambda octets: Value(ber.OCTETS, octets)),
    names.map(lambda name: Value(ber.OID, name)),
)
messages = st.builds(
    Message,
    version=st.just(1),
    community=st.binary(max_size=20),
    kind=st.sampled_from([ber.GET, ber.GETNEXT, ber.RESPONSE]),
    request_id=st.integers(-(2**31), 2**31 - 1),
    status=st.integers(0, 18),
    index=st.integers(0, 100),
    binds=st.lists(st.builds(VarBind, names, values), max_size=8).map(tuple),
)


@given(messages)
def test_what_is_encoded_is_decoded_again(message):
    assert ber.decode(ber.encode(message)) == message


@given(messages)
def test_pysnmp_reads_what_is_encoded_and_encodes_it_the_same(message):
    datagram = ber.encode(message)

    theirs, rest = decoder.decode(datagram, asn1Spec=v2c.Message())

    assert rest == b""
    assert encoder.encode(theirs) == datagram


@given(st.binary(max_size=200))
def test_nonsense_is_refused_with_a_value_error_and_nothing_else(octets):
    try:
        ber.decode(octets)
    except ValueError:
        return


@pytest.mark.parametrize("cut", [1, 5, 12, 20, 30])
def test_a_message_cut_short_is_refused(cut):
    bind = VarBind(ber.oid("1.3.6.1.2.1.1.3.0"), ber.NULL)
    message = Message(version=1, community=b"public", kind=ber.GET, request_id=7, binds=(bind,))

    with pytest.raises(ValueError, match=r".+"):
        ber.decode(ber.encode(message)[:cut])

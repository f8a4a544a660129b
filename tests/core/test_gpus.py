"""GPUs: docker's fields to one value, and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rshell.core.containers import Containers
from rshell.core.parts.gpus import Gpus, Wrong, judge, read, spell

ALLOWED = Containers(gpus=2, gpu_capabilities=("gpu", "compute"))


@pytest.mark.parametrize(
    ("text", "asked", "written"),
    [
        ("all", Gpus(-1), "all"), ("count=all", Gpus(-1), "all"), ("2", Gpus(2), "2"), ('"count=2"', Gpus(2), "2"),
        ("device=0", Gpus(0, ("0",)), "device=0"), ('"device=0,GPU-3a"', Gpus(0, ("0", "GPU-3a")), '"device=0,GPU-3a"'),
        ("capabilities=gpu", Gpus(1, (), ("gpu",)), "count=1,capabilities=gpu"),
        ('all,"capabilities=compute,utility"', Gpus(-1, (), ("compute", "utility")),
         'count=all,"capabilities=compute,utility"'),
        ('"device=0","capabilities=gpu"', Gpus(0, ("0",), ("gpu",)), "device=0,capabilities=gpu"),
    ],
)  # fmt: skip
def test_gpus_are_read_as_docker_reads_them_and_written_in_one_way(text: str, asked: Gpus, written: str) -> None:
    assert read(text) == asked
    assert spell(asked) == written
    assert read(written) == asked


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("driver=nvidia", "driver=nvidia"), ("all,options=x", "options=x"), ("all,1", "1"), ("count=1,count=2",
        "count=2"),
        ("all,device=0", "device="), ("device=", "device="), ("device=/dev/sda", "device="),
        ("all,device=all", "device="), ("device=none", "device="), ("\"device=0,all\"", "device="),
        ("device=GPU-", "device="),
        ("0", "0"), ("-1", "-1"),
        ("65", "65"), ("ALL", "ALL"), ("nvidia.com/gpu=all", "nvidia.com/gpu=all"), ("", ""), ("all,", ""),
    ],
)  # fmt: skip
def test_what_asks_for_more_than_gpus_is_refused_at_the_part_that_does(text: str, part: str) -> None:
    with pytest.raises(Wrong) as caught:
        read(text)
    assert caught.value.part == part


@pytest.mark.parametrize(
    ("text", "may"),
    [
        ("2", True), ("3", False), ("all", False), ("device=all", False), ("device=7", True), ('"device=0,1"', True),
        ('"device=0,1,2"', False),
        ("1,capabilities=compute", True), ("1,capabilities=graphics", False), ("1,capabilities=", False),
        ('1,"capabilities=gpu,video"', False),
    ],
)  # fmt: skip
def test_there_are_as_many_as_the_policy_says_with_the_capabilities_it_lists(text: str, may: bool) -> None:
    if may:
        judge(ALLOWED, read(text))
        judge(ALLOWED.but(gpus=-1), read(text))
    else:
        with pytest.raises(Wrong):
            judge(ALLOWED, read(text))
    with pytest.raises(Wrong):
        judge(Containers(), read(text))


fields = st.sampled_from(["all", "1", "9", "count=2", "device=0", '"device=0,1"', "driver=x", "options=x", "",
                          "capabilities=gpu", '"capabilities=gpu,compute"', "capabilities=sys"])  # fmt: skip


@given(st.lists(fields, max_size=4).map(",".join) | st.text('alcounted=0,"', max_size=16))
def test_whatever_may_be_reads_back_as_it_was(text: str) -> None:
    try:
        asked = read(text)
        judge(ALLOWED, asked)
    except Wrong:
        return
    assert read(spell(asked)) == asked
    assert max(len(asked.devices), asked.count) in (1, 2)
    assert set(asked.capabilities) <= {"gpu", "compute"}

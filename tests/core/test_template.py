"""The templates of --format: what people write passes; what could run for ever or reach further does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rshell.core.template import FUNCTIONS, KEYWORDS, is_harmless


@pytest.mark.parametrize(
    "text",
    [
        "",
        "table",
        "json",
        "plain text, } and } {",
        "{{.}}",
        "{{json .}}",
        "{{.Names}}\t{{.Status}}",
        "table {{.ID}}\t{{.Image}}\t{{.Ports}}",
        "{{ .Names }}",
        "{{- .Names -}}",
        "{{.State.Health.Status}}",
        "{{$.Name}}",
        "{{index .RepoTags 0}}",
        '{{index .Config.Labels "com.docker.compose.project"}}',
        '{{.Label "a.b"}}',
        '{{join .Names ", "}}',
        '{{index (split .Image ":") 0}}',
        "{{.Name | upper | lower}}",
        "{{truncate .ID 12}}",
        "{{pad .Names 1 1}}",
        "{{len .Mounts}}",
        '{{println "a \\" b"}}',
        "{{if .State.Running}}up{{else}}down{{end}}",
        '{{if and (eq .A "x") (not .B)}}a{{else if .C}}b{{end}}',
        "{{with .State.Health}}{{.Status}}{{end}}",
        "{{with $x := .State}}{{$x.Status}}{{end}}",
        "{{range .Mounts}}{{.Source}} {{end}}",
        "{{range $k, $v := .NetworkSettings.Networks}}{{$k}}={{$v.IPAddress}} {{end}}",
        "{{range $i := .Config.Env}}{{println $i}}{{end}}",
        "{{range .Mounts}}{{$.Name}}: {{.Source}} {{end}}",
        "{{range $p, $c := .NetworkSettings.Ports}}{{$p}} {{range $c}}{{.HostPort}}{{end}} {{end}}",
        "{{range $p, $c := .NetworkSettings.Ports}}{{with $c}}{{json .}}{{end}}{{end}}",
        "{{range .NetworkSettings.Networks}}{{range .Aliases}}{{.}} {{end}}{{with .IPAMConfig}}x{{end}}{{end}}",
        "{{(index .IPAM.Config 0).Subnet}}",
        "{{eq .A true}}{{ne .B nil}}",
    ],
)
def test_what_people_write_is_harmless(text: str) -> None:
    assert is_harmless(text)


@pytest.mark.parametrize(
    "text",
    [
        "{{range 1000000000}}x{{end}}",
        "{{range 9999}}x{{end}}",
        "{{range (9999)}}x{{end}}",
        "{{range $i := 9999}}x{{end}}",
        "{{range $i, $j := 9999}}x{{end}}",
        "{{range 9999 | print}}x{{end}}",
        "{{with 9999}}{{range .}}x{{end}}{{end}}",
        "{{with $x := 9999}}{{range $x}}x{{end}}{{end}}",
        "{{$x := 9999}}{{range $x}}x{{end}}",
        "{{$x = 5}}",
        "{{$x := .A}}",
        "{{range 0x7fffffff}}x{{end}}",
        "{{range 1e9}}x{{end}}",
        "{{range 1_000}}x{{end}}",
        "{{range 'x'}}x{{end}}",
        '{{printf "%999999d" 1}}',
        "{{pad .A 99999 1}}",
        "{{truncate .A 1000}}",
        '{{join (split .A "") (pad "x" 9 0)}}',
        '{{.A | split "" | join "x"}}',
        "{{pad (pad .A 9 9) 9 9}}",
        "{{call .F}}",
        "{{html .A}}",
        "{{js .A}}",
        "{{urlquery .A}}",
        "{{slice .A 1}}",
        '{{template "x"}}',
        '{{define "x"}}{{template "x"}}{{end}}',
        '{{block "x" .}}{{end}}',
        "{{break}}",
        "{{continue}}",
        "{{/* comment */}}",
        "{{`raw`}}",
        "{{- /* x */ -}}",
        "{{.A\n}}",
        "{{",
        "{{.A",
        "{{.A}",
        "{{.A}} {{",
        '{{"}}',
        '{{"a}}',
        '{{"\\',
        '{{"\\"}}',
        "{{+1}}",
        "{{-1}}",
        "{{é}}",
        "{{.A;.B}}",
        "{{.A}}{{evil}}",
        "{{json.}}{{NoSuch}}",
        "{{range .Mounts}}{{range 5}}x{{end}}{{end}}",
        "{{else 5}}",
        "{{if 5}}x{{end}}",
    ],
)
def test_what_is_not_known_to_end_is_refused(text: str) -> None:
    assert not is_harmless(text)


# `or 9999` and `index 9999` are 9999; `split "aaaa" ""` is a loop over nothing that docker gave. Nested, none ends.
@pytest.mark.parametrize(
    "over",
    [
        "or 9999", "or false 9999", "and 9999", "and true 9999", "index 9999", "len .Names | or 9999", "(or 9999)",
        "$i := or 9999", '(len "aaaa")', 'len "aaaa"', 'split "aaaa" ""', '$i := split "aaaa" ""', '(split "aaaa" "")',
        'split (upper "aaaa") ""', '"aaaa" | split ""',
    ],
)  # fmt: skip
def test_a_loop_turns_over_fields_only(over: str) -> None:
    assert not is_harmless("{{range " + over + "}}x{{end}}")


def test_loops_are_not_nested_without_bound() -> None:
    """Twelve loops over the characters of a name of twenty are 4e15 turns."""
    assert not is_harmless('{{range split $.Names ""}}' * 12 + "x" + "{{end}}" * 12)


@pytest.mark.parametrize("text", [
    "{{range .Config.Env}}{{range $.Config.Env}}x{{end}}{{end}}",
    "{{range .Config.Env}}{{json $}}{{end}}",
    "{{range .Config.Env}}{{with $}}{{range .Config.Env}}x{{end}}{{end}}{{end}}",
    "{{range .Config.Env}}{{with $.Config}}{{range .Env}}x{{end}}{{end}}{{end}}",
    "{{with $c := .Config}}{{range $c.Env}}{{range $c.Env}}x{{end}}{{end}}{{end}}",
    "{{with $c := .Config}}{{range .Env}}{{with $c}}{{range .Env}}x{{end}}{{end}}{{end}}{{end}}",
    "{{range $k, $v := .Config}}{{range $v}}{{range $v}}x{{end}}{{end}}{{end}}",
    "{{range $k, $v := .Config}}{{range .}}{{range $v}}x{{end}}{{end}}{{end}}",
    "{{with $c := .Config.Env}}{{range $c}}x{{end}}{{end}}",
])  # fmt: skip
def test_a_loop_in_a_loop_goes_down_only(text: str) -> None:
    """Else docker builds the square of what it was asked for, in memory."""
    assert not is_harmless(text)


@given(st.text())
def test_text_without_actions_is_harmless(text: str) -> None:
    assert is_harmless(text.replace("{{", ""))


@given(st.text("{}.$|()\"\\:=, -aAjson09\n`'", max_size=30))
def test_any_text_gets_an_answer_and_a_bad_part_spoils_the_whole(text: str) -> None:
    answer = is_harmless(text)
    assert answer in (True, False)
    assert not is_harmless(text + "{{evil}}")
    if answer:
        assert is_harmless("{{.Names}} " + text)


@given(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,12}", fullmatch=True))
def test_a_bare_word_is_harmless_only_when_it_is_listed(name: str) -> None:
    assert is_harmless("{{" + name + " .A}}") == (name in FUNCTIONS | KEYWORDS)

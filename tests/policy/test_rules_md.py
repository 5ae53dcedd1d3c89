"""RULES.md is what the rules say of themselves."""

from pathlib import Path

from policy.guardrails import docs
from policy.guardrails.catalogue import RULES

PATH = Path(__file__).parents[2] / "policy" / "RULES.md"


def test_rules_md_is_current():
    assert PATH.read_text(encoding="utf-8") == docs.render(), "run `make docs`"


def test_each_rule_has_a_row_and_a_section():
    text = docs.render()
    for rule in RULES:
        assert f"| [{rule.id}](#{rule.id}) |" in text
        assert f"### {rule.id}\n" in text
        for setting in rule.schema:
            assert f"- Setting `{setting}`" in text


def test_guide_counts_the_rules():
    guide = (PATH.parents[1] / "docs" / "policy.md").read_text(encoding="utf-8")
    assert f" of {len(RULES)} rules:" in guide


def test_file_is_written_where_it_is_wanted(tmp_path: Path):
    target = tmp_path / "RULES.md"
    docs.main([str(target)])
    assert target.read_text(encoding="utf-8") == docs.render()

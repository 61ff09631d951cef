from __future__ import annotations

from offline.provenance import code_hash


def test_changed_code_makes_another_hash_unless_it_only_shows_results(tmp_path):
    for name in ("fitting.py", "cli/evaluate.py", "evaluation/table.py", "models/cnn.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("a = 1\n")
    before = code_hash(tmp_path)
    (tmp_path / "cli" / "evaluate.py").write_text("a = 2\n")
    (tmp_path / "evaluation" / "table.py").write_text("a = 2\n")
    assert code_hash(tmp_path) == before
    (tmp_path / "models" / "cnn.py").write_text("a = 2\n")
    changed = code_hash(tmp_path)
    (tmp_path / "models" / "cnn.py").rename(tmp_path / "models" / "net.py")
    assert len({before, changed, code_hash(tmp_path)}) == 3

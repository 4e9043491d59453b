"""docs/backends.md says what can be done."""
import os
import re

from suite import check, test


@test("documents/manifests", "F B8")
def manifests(stage):
    """Every manifest of docs/backends.md is one."""
    with open(os.path.join(os.path.dirname(__file__), "..", "..", "..", "docs", "backends.md")) as file:
        blocks = re.findall(r"```yaml\n(.*?)```", file.read(), re.DOTALL)
    check(len(blocks) >= 5, f"{len(blocks)} manifests")
    for index, block in enumerate(blocks):
        path = stage.path(f"{index}.yaml")
        with open(path, "w") as file:
            file.write(block)
        stage.helper("manifest", "check", path)

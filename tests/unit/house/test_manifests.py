"""The Kubernetes manifests and the Dockerfile agree with each other and with the code."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from etappe import settings
from etappe.api.routes import handlers

FILES = sorted(Path(__file__).parents[3].glob("k8s/*.yaml"))
Manifest = dict[str, Any]


@pytest.fixture(scope="module")
def manifests() -> list[Manifest]:
    """All documents of all files but the kustomization."""
    files = [path for path in FILES if path.name != "kustomization.yaml"]
    return [document for path in files for document in yaml.safe_load_all(path.read_text())]


def test_kustomization_lists_every_file(root: Path) -> None:
    """No manifest is forgotten, and none is named that is not there."""
    told = yaml.safe_load((root / "k8s" / "kustomization.yaml").read_text())
    assert sorted(told["resources"]) == [path.name for path in FILES if path.name != "kustomization.yaml"]
    assert [(root / "k8s" / one).exists() for group in told["configMapGenerator"] for one in group["files"]] == [True]


def test_settings_can_be_used(root: Path) -> None:
    """The file of settings that all pods mount is one that they start with."""
    assert settings.load(root / "k8s").catalogue.time_zone == "UTC"


def test_no_namespace_is_stated(manifests: list[Manifest]) -> None:
    """Where it runs is for whoever applies it."""
    assert [one["metadata"]["name"] for one in manifests if "namespace" in one["metadata"]] == []


def test_selectors_match_the_pods(manifests: list[Manifest]) -> None:
    """Every selector finds the pods of the workload of its name."""
    labels = {name: template["metadata"]["labels"] for name, template in _templates(manifests)}
    for one in manifests:
        selector = one["spec"].get("selector")
        if selector is not None:
            wanted = selector.get("matchLabels", selector)
            assert wanted.items() <= labels[one["metadata"]["name"]].items()


def test_every_mount_has_its_volume(manifests: list[Manifest]) -> None:
    """A container mounts what its pod, or the claims of its set, provide."""
    claims = {one["metadata"]["name"]: one["spec"].get("volumeClaimTemplates", []) for one in manifests}
    for name, template in _templates(manifests):
        volumes = {volume["name"] for volume in template["spec"].get("volumes", [])}
        volumes |= {claim["metadata"]["name"] for claim in claims[name]}
        mounts = {mount["name"] for box in template["spec"]["containers"] for mount in box["volumeMounts"]}
        assert (name, mounts) == (name, volumes)


def test_training_mounts_the_worker_s_volume(manifests: list[Manifest]) -> None:
    """The claim that training names is the one that the worker's set makes."""
    worker = next(
        one for one in manifests if one["kind"] == "StatefulSet" and one["metadata"]["name"] == "etappe-worker"
    )
    made = [f"{claim['metadata']['name']}-etappe-worker-0" for claim in worker["spec"]["volumeClaimTemplates"]]
    train = dict(_templates(manifests))["etappe-train"]
    named = [
        one["persistentVolumeClaim"]["claimName"] for one in train["spec"]["volumes"] if "persistentVolumeClaim" in one
    ]
    assert named == made


def test_probes_ask_for_addresses_there_are(manifests: list[Manifest], root: Path) -> None:
    """Health checks of pods and image ask for routes that need no key."""
    paths = {path for handler in handlers.HANDLERS for path in handler.paths if not handler.guards}
    asked = [
        probe["httpGet"]["path"]
        for _, template in _templates(manifests)
        for box in template["spec"]["containers"]
        for kind, probe in box.items()
        if kind.endswith("Probe") and "httpGet" in probe
    ]
    asked += re.findall(r"http://[\d.:]+(/\w+)", (root / "Dockerfile").read_text())
    assert set(asked) == {"/healthz", "/readyz"}
    assert set(asked) <= paths


def test_nothing_runs_as_root(manifests: list[Manifest], root: Path) -> None:
    """Pods and image have a user without rights, and the same one."""
    users = {
        template["spec"]["securityContext"]["runAsUser"]
        for name, template in _templates(manifests)
        if "valkey" not in name
    }
    assert users == {10001}
    assert all(template["spec"]["securityContext"]["runAsNonRoot"] for _, template in _templates(manifests))
    assert "\nUSER 10001:10001\n" in (root / "Dockerfile").read_text()


def test_valkey_loses_nothing(manifests: list[Manifest]) -> None:
    """The server of the manifests syncs each write and evicts nothing."""
    box = dict(_templates(manifests))["etappe-valkey"]["spec"]["containers"][0]
    options = dict(zip(box["args"][::2], box["args"][1::2], strict=True))
    assert {name: options[name] for name in ("--appendonly", "--appendfsync", "--maxmemory-policy")} == {
        "--appendonly": "yes",
        "--appendfsync": "always",
        "--maxmemory-policy": "noeviction",
    }


def test_image_is_built_from_locked_packages(root: Path) -> None:
    """The image has what the lock file has, checked by hash, and nothing is fetched besides."""
    installs = re.findall(r"pip install (.*?)\n(?! )", (root / "Dockerfile").read_text().replace("\\\n", ""))
    assert ["--require-hashes" in one or "--no-deps" in one for one in installs] == [True, True]


def _templates(manifests: list[Manifest]) -> list[tuple[str, Manifest]]:
    found = []
    for one in manifests:
        spec = one["spec"].get("jobTemplate", {}).get("spec", one["spec"])
        if "template" in spec:
            found.append((one["metadata"]["name"], spec["template"]))
    return found

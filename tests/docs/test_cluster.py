"""`cluster.yaml`: what Ray's own validation finds, and the typos inside Azure's parts that it passes over."""

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
import ray.autoscaler
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config

from remote import HEAD

ROOT = Path(__file__).parents[2]
AZURE = Path(ray.autoscaler.__file__).parent / "_private" / "_azure" / "azure-vm-template.json"
# Beside the template's own parameters a machine may name its zone; the rest of these Ray fills in itself.
FILLED_IN = {"vmName", "vmTags", "vmCount", "provisionPublicIp", "msi", "nsg", "subnet", "zones"}
FILLED_IN |= {"adminUsername", "publicKey"}
PROVIDER = {
    "type",
    "location",
    "resource_group",
    "subscription_id",
    "availability_zone",
    "use_internal_ips",
    "use_external_head_ip",
    "cache_stopped_nodes",
}
NODE_TYPE = {"min_workers", "max_workers", "resources", "node_config"}
MACHINE = {"vmSize", "imagePublisher", "imageOffer", "imageSku", "imageVersion"}


def cluster() -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load((ROOT / "cluster.yaml").read_text())
    return config


def check(config: dict[str, Any]) -> None:
    """Raise for what would fail, or be ignored, only once machines are being paid for."""
    validate_config(prepare_config(copy.deepcopy(config)))
    assert set(config["provider"]) <= PROVIDER
    allowed = set(json.loads(AZURE.read_text())["parameters"]) - FILLED_IN | {"availability_zone"}
    for node in config["available_node_types"].values():
        assert set(node) <= NODE_TYPE
        assert set(node["node_config"]) <= {"azure_arm_parameters", "tags"}
        machine = set(node["node_config"]["azure_arm_parameters"])
        assert machine >= MACHINE
        assert machine <= allowed, f"Azure's template knows no {machine - allowed}"
        assert node.get("min_workers", 0) <= node.get("max_workers", 0)


def test_the_cluster_file_is_valid() -> None:
    check(cluster())


@pytest.mark.parametrize(
    "path",
    [
        ("max_wrokers",),
        ("provider", "locaton"),
        ("auth", "ssh_usr"),
        ("available_node_types", "cpu", "min_wrokers"),
        ("available_node_types", "cpu", "node_config", "azure_arm_paramters"),
        ("available_node_types", "cpu", "node_config", "azure_arm_parameters", "vmSzie"),
    ],
)
def test_a_typo_anywhere_in_the_cluster_file_is_found(path: tuple[str, ...]) -> None:
    config = cluster()
    part = config
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = "x"
    with pytest.raises(Exception):  # noqa: B017, PT011 (jsonschema's, Ray's or ours)
        check(config)


def test_every_node_installs_from_the_lock_and_the_services_wheel() -> None:
    config = cluster()
    source = next(remote for remote, local in config["file_mounts"].items() if local == "build/source")
    home = f"/home/{config['auth']['ssh_user']}"
    install = next(command for command in config["setup_commands"] if ".runtime" in command)
    assert install.startswith(f"cd {source.replace(home, '~')} && make ")
    assert " SOURCE=. " in install
    for commands in (config["head_start_ray_commands"], config["worker_start_ray_commands"]):
        assert "RAY_AUTH_MODE=token" in commands[-1]


def test_azures_packages_are_those_this_ray_was_made_for() -> None:
    defaults = yaml.safe_load((AZURE.parents[2] / "azure" / "defaults.yaml").read_text())
    pins = [
        set(re.findall(r"\S+==\S+", commands["head_setup_commands"][0])) for commands in (cluster(), defaults)
    ]
    assert pins[0] == pins[1] != set()


def test_the_cluster_file_holds_no_secret_and_nobodys_subscription() -> None:
    text = (ROOT / "cluster.yaml").read_text()
    assert set(cluster()["provider"]["subscription_id"]) == {"0", "-"}
    assert not re.search(r"[A-Za-z0-9+/=]{40,}|://\S*:\S*@", text)


def test_what_there_is_one_of_stays_off_machines_that_may_be_taken_away() -> None:
    config = cluster()
    marked = {name for name, node in config["available_node_types"].items() if HEAD in node["resources"]}
    assert marked == {config["head_node_type"]}
    machine = config["available_node_types"][config["head_node_type"]]["node_config"]["azure_arm_parameters"]
    assert "priority" not in machine  # of Azure's spot machines


def test_the_cluster_grows_and_shrinks() -> None:
    config = cluster()
    workers = config["available_node_types"]["cpu"]
    assert workers["min_workers"] < workers["max_workers"] <= config["max_workers"]
    assert config["available_node_types"]["gpu"]["resources"]["GPU"] == 1

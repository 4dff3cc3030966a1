"""Start-up rules by example and near-miss."""

import pytest

from tapio.unified import ObjectKey
from tests.unit.rules.scene import (
    DEPLOYMENT,
    NS,
    POD,
    Json,
    Scene,
    codes,
    configmap,
    crash_looping,
    deployment,
    ended,
    pod,
    running,
    waiting,
    when,
    with_status,
)

IMAGE = "registry.test/web:2"
_PULL = f'failed to pull and unpack image "{IMAGE}": failed to resolve reference "{IMAGE}": '


def pulling(message: str, *, created: float = 0) -> Scene:
    obj = pod(created=created, containers=[{"name": "app", "image": IMAGE}])
    scene = Scene().see(with_status(obj, waiting("ErrImagePull", message), phase="Pending"), at=1)
    back_off = waiting("ImagePullBackOff", f'Back-off pulling image "{IMAGE}"')
    return scene.see(with_status(obj, back_off, phase="Pending"), at=1.5)


@pytest.mark.parametrize(
    ("answer", "code", "kind"),
    [
        (f"{_PULL}{IMAGE}: not found", "startup.image_not_found", None),
        (f"{_PULL}unexpected status code 404: manifest unknown", "startup.image_not_found", None),
        ("dial tcp: lookup registry.test: no such host", "startup.registry_unreachable", "dns"),
        ("dial tcp 10.0.0.9:443: connect: connection refused", "startup.registry_unreachable", "refused"),
        ("dial tcp 10.0.0.9:443: i/o timeout", "startup.registry_unreachable", "timeout"),
        ("net/http: TLS handshake timeout", "startup.registry_unreachable", "timeout"),
        ("x509: certificate signed by unknown authority", "startup.registry_unreachable", "tls"),
        ("pull access denied, repository does not exist or may require authorization", "startup.pull_denied", None),
        ("unexpected status: 401 Unauthorized", "startup.pull_denied", None),
        ("no match for platform in manifest", "startup.image_platform", None),
        ("no matching manifest for linux/arm64/v8 in the manifest list entries", "startup.image_platform", None),
        ("choosing image instance: no image found in manifest list for architecture", "startup.image_platform", None),
        ('short-name "web:2" did not resolve to an alias', "startup.image_invalid", None),
        (
            "429 Too Many Requests: toomanyrequests: You have reached your pull rate",
            "startup.pull_denied",
            "rate_limit",
        ),
        ("no basic auth credentials", "startup.pull_denied", None),
        ("failed to extract layer sha256:ab: failed to Lchown: invalid argument", "startup.image_invalid", "content"),
        ("failed commit on ref: unexpected commit digest sha256:cd", "startup.image_invalid", "content"),
        ("unexpected status from HEAD request: 503 Service Unavailable", "startup.registry_unreachable", "status"),
        ("read tcp 10.0.0.3:39->10.0.0.9:443: connection reset by peer", "startup.registry_unreachable", "reset"),
    ],
)
def test_the_registrys_answer_decides(answer: str, code: str, kind: str | None) -> None:
    (link,) = pulling(answer).links(POD, at=2)
    assert (link.code, link.blame) == (code, DEPLOYMENT)
    assert link.attributes.get("kind") == kind


@pytest.mark.parametrize(
    ("answer", "advice"),
    [
        ("x509: certificate signed by unknown authority", "certificate of registry.test"),
        ("dial tcp: lookup registry.test: no such host", "registry.test is written right"),
        ("dial tcp 10.0.0.9:443: i/o timeout", "can reach registry.test"),
    ],
)
def test_the_advice_fits_how_the_registry_fails(answer: str, advice: str) -> None:
    (link,) = pulling(answer).links(POD, at=2)
    assert advice in link.next[0]


def test_the_change_that_set_the_image_is_named() -> None:
    scene = pulling(f"{IMAGE}: not found", created=0.5)
    change = {"field": "spec.template.spec.containers[app].image", "before": "registry.test/web:1", "after": IMAGE}
    scene.see(deployment(), at=0).see(deployment(), at=0.4, changes=[change])
    (link,) = scene.links(POD, at=2)
    assert link.change is not None
    assert link.change.before == "registry.test/web:1"
    assert "set image deployment/web app=registry.test/web:1" in link.next[0]


def test_an_image_that_does_not_come_is_told_though_nobody_says_why() -> None:
    (link,) = pulling("words that nobody knows").links(POD, at=2)
    assert (link.code, link.blame, link.confidence) == ("startup.image_not_found", DEPLOYMENT, 0.5)
    assert "not known why" in link.summary
    change = {"field": "spec.template.spec.containers[app].image", "before": "registry.test/web:1", "after": IMAGE}
    (link,) = pulling("words", created=0.5).see(deployment(), at=0.4, changes=[change]).links(POD, at=2)
    assert link.change is not None
    assert link.confidence > 0.5


def test_an_image_that_is_never_to_be_pulled_is_no_registrys_fault() -> None:
    field = "spec.template.spec.containers[app].imagePullPolicy"
    change = {"field": field, "before": "IfNotPresent", "after": "Never"}
    message = 'Container image "registry.test/web:1" is not present with pull policy of Never'
    obj = with_status(pod(created=0.5), waiting("ErrImageNeverPull", message), phase="Pending")
    scene = Scene().see(deployment(), at=0).see(deployment(), at=0.4, changes=[change]).see(obj, at=1)
    (link,) = scene.links(POD, at=2)
    assert (link.code, link.attributes["kind"]) == ("startup.image_not_found", "never pulled")
    assert (link.change.field if link.change else "") == field
    assert "is not on the node" in link.summary
    assert link.next[0].startswith("kubectl -n shop edit deployment/web")


def test_what_came_and_cannot_be_used_was_given() -> None:
    (link,) = pulling("failed to extract layer sha256:ab: archive/tar: invalid tar header").links(POD, at=2)
    assert "cannot be used" in link.summary
    assert link.ruled_out[0].because == "the registry gave what it has of it"


def test_a_change_that_set_another_image_is_not() -> None:
    scene = pulling(f"{IMAGE}: not found", created=0.5)
    change = {"field": "spec.template.spec.containers[app].image", "before": "a", "after": "registry.test/web:9"}
    scene.see(deployment(), at=0).see(deployment(), at=0.4, changes=[change])
    assert scene.links(POD, at=2)[0].change is None


def test_one_timeout_among_many_certificate_errors_is_noise() -> None:
    obj = pod(containers=[{"name": "app", "image": IMAGE}])
    scene = Scene().see(with_status(obj, waiting("ImagePullBackOff", "Back-off"), phase="Pending"), at=3)
    scene.say(obj, "Failed", f'Failed to pull image "{IMAGE}": x509: not valid', at=2, count=9, container="app")
    other = {**obj, "metadata": {**obj["metadata"]}}
    scene.say(other, "FailedToPull", f'Failed to pull image "{IMAGE}": i/o timeout', at=3, container="app")
    (link,) = scene.links(POD, at=4)
    assert link.attributes["kind"] == "tls"


def test_an_image_that_came_after_all_is_no_cause() -> None:
    scene = pulling(f"{IMAGE}: not found")
    obj = pod(containers=[{"name": "app", "image": IMAGE}])
    scene.see(with_status(obj, running(4), ready=True, ready_since=4), at=4)
    assert codes(scene.links(POD, at=5)) == ["none.recovered"]


def starting_with(status: Json, **container: object) -> Scene:
    obj = pod(containers=[{"name": "app", **container}])
    return Scene().see(with_status(obj, status), at=2)


def test_a_command_that_is_not_there_is_the_workloads() -> None:
    message = 'exec: "serv": executable file not found in $PATH'
    end = ended(127, started=1, at=1, reason="ContainerCannotRun", message=message)
    (link,) = starting_with(crash_looping(end), command=["serv"]).links(POD, at=3)
    assert (link.code, link.blame) == ("startup.command_invalid", DEPLOYMENT)


def test_a_shell_that_does_not_find_its_command_says_so() -> None:
    end = ended(127, started=1, at=1, message="sh: serv: command not found")
    assert "startup.command_invalid" in codes(starting_with(crash_looping(end)).links(POD, at=3))


def test_exit_127_alone_may_be_the_programs_own() -> None:
    end = ended(127, started=1, at=1, message="giving up")
    assert codes(starting_with(crash_looping(end)).links(POD, at=3)) == ["runtime.crash_app"]


# --- What a pod reads ------------------------------------------------------------------------------------------------

CONFIG = ObjectKey("ConfigMap", NS, "web-config")
NO_CONFIG = 'configmap "web-config" not found'


def reading(*, optional: bool = False) -> Json:
    return pod(
        created=0.5,
        containers=[{"name": "app", "envFrom": [{"configMapRef": {"name": "web-config", "optional": optional}}]}],
    )


def mounting(source: Json | None = None) -> Json:
    volume = {"name": "settings", **(source or {"configMap": {"name": "web-config"}})}
    mount = {"name": "settings", "mountPath": "/etc/web"}
    return pod(created=0.5, volumes=[volume], containers=[{"name": "app", "volumeMounts": [mount]}])


def unconfigured(message: str = NO_CONFIG, obj: Json | None = None) -> Scene:
    status = waiting("CreateContainerConfigError", message)
    return Scene().see(deployment(), at=0).see(with_status(obj or reading(), status, phase="Pending"), at=1)


def unmounted(message: str, obj: Json | None = None, *, count: int = 3) -> Scene:
    obj = obj or mounting()
    scene = Scene().see(deployment(), at=0).see(with_status(obj, waiting("ContainerCreating"), phase="Pending"), at=1)
    text = f'MountVolume.SetUp failed for volume "settings" : {message}'
    return scene.say(obj, "FailedMount", text, at=1.1, count=count)


@pytest.mark.parametrize(
    ("message", "kind", "key"),
    [
        (NO_CONFIG, "ConfigMap", None),
        ('configmaps "web-config" not found', "ConfigMap", None),
        ('secret "web-config" not found', "Secret", None),
        ("couldn't find key MODE in ConfigMap shop/web-config", "ConfigMap", "MODE"),
        ("couldn't find key MODE in Secret shop/web-config", "Secret", "MODE"),
    ],
)
def test_what_environment_needs_and_is_not_there(message: str, kind: str, key: str | None) -> None:
    (link,) = unconfigured(message).links(POD, at=2)
    assert (link.code, link.blame) == ("startup.config_missing", DEPLOYMENT)
    found = link.attributes
    assert (found["kind"], found["object"], found.get("key"), found["how"]) == (kind, "web-config", key, "env")


@pytest.mark.parametrize(
    ("message", "key"),
    [
        (NO_CONFIG, None),
        ("configmap references non-existent config key: mode.yaml", "mode.yaml"),
        ("references non-existent config key: mode.yaml", "mode.yaml"),
    ],
)
def test_what_a_volume_needs_and_is_not_there(message: str, key: str | None) -> None:
    (link,) = unmounted(message).links(POD, at=1.2)
    assert (link.code, link.blame) == ("startup.config_missing", DEPLOYMENT)
    found = link.attributes
    assert (found["object"], found.get("key"), found["how"]) == ("web-config", key, "volume")


def test_an_object_that_was_deleted_is_to_blame_itself() -> None:
    scene = (
        unconfigured().see(configmap("web-config", {}), at=-60).see(configmap("web-config", {}), at=0.3, deleted=True)
    )
    (link,) = scene.links(POD, at=2)
    assert (link.blame, link.workload) == (CONFIG, DEPLOYMENT)
    assert link.change is not None
    assert link.change.at.second == 18
    assert "deleted_at" in link.attributes


def test_a_key_that_was_taken_out_is_to_blame_where_it_stood() -> None:
    scene = unconfigured("couldn't find key MODE in ConfigMap shop/web-config")
    scene.see(configmap("web-config", {"MODE": "safe"}), at=-60)
    scene.see(configmap("web-config", {}), at=0.3, changes=[{"field": "data.MODE", "before": "safe", "after": None}])
    (link,) = scene.links(POD, at=2)
    assert link.blame == CONFIG
    assert link.change is not None
    assert link.change.field == "data.MODE"


def test_the_change_that_set_the_reference_is_named() -> None:
    field = "spec.template.spec.containers[app].envFrom"
    change = {"field": field, "before": None, "after": [{"configMapRef": {"name": "web-config"}}]}
    (link,) = unconfigured().see(deployment(), at=0.4, changes=[change]).links(POD, at=2)
    assert (link.blame, link.change.field if link.change else "") == (DEPLOYMENT, field)


def test_a_first_failure_to_mount_is_an_accident_of_start() -> None:
    assert codes(unmounted(NO_CONFIG, count=1).links(POD, at=1.2)) == ["none.starting"]


def test_an_optional_reference_keeps_nobody_waiting() -> None:
    assert codes(unconfigured(obj=reading(optional=True)).links(POD, at=2)) == []


def test_a_config_that_came_after_all_is_no_cause() -> None:
    scene = unmounted(NO_CONFIG).see(with_status(mounting(), running(2), ready=True, ready_since=2), at=2)
    assert codes(scene.links(POD, at=3)) == ["none.recovered"]


# --- Mounts, sandboxes, users ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("hostPath type check failed: /data is not a directory", "host_path"),
        ("mount failed: exit status 32\nOutput: mount.nfs: access denied by server", "permission"),
        ("kubernetes.io/csi: driver name x not found in the list of registered CSI drivers", "driver"),
        ("timed out waiting for the condition", "timeout"),
    ],
)
def test_a_volume_that_cannot_be_mounted(message: str, kind: str) -> None:
    (link,) = unmounted(message, mounting({"hostPath": {"path": "/data"}})).links(POD, at=1.2)
    assert (link.code, link.blame, link.attributes["kind"]) == ("startup.mount_failed", DEPLOYMENT, kind)
    assert link.attributes["volume"] == "settings"


def test_a_claim_is_to_blame_for_its_volume() -> None:
    obj = mounting({"persistentVolumeClaim": {"claimName": "data"}})
    (link,) = unmounted("rpc error: code = Internal desc = bad superblock", obj).links(POD, at=1.2)
    assert link.blame == ObjectKey("PersistentVolumeClaim", NS, "data")


def test_the_volume_of_an_accounts_token_is_no_claims() -> None:
    token = {"name": "kube-api-access-x7k2p", "projected": {"sources": [{"configMap": {"name": "kube-root-ca.crt"}}]}}
    obj = pod(volumes=[token, {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}])
    words = f'MountVolume.SetUp failed for volume "{token["name"]}" : failed to fetch token: timed out'
    (link,) = Scene().see(obj, at=0).say(obj, "FailedMount", words, at=1, count=9).links(POD, at=1.2)
    assert (link.code, link.blame) == ("startup.mount_failed", DEPLOYMENT)
    assert link.attributes["volume"] == "kube-api-access"


def test_what_says_why_outranks_the_list_of_what_is_waited_for() -> None:
    scene = unmounted("hostPath type check failed: /data is not a directory")
    words = "Unable to attach or mount volumes: unmounted volumes=[settings], unattached volumes=[]: timed out"
    scene.say(mounting(), "FailedMount", words, at=3, count=2)
    assert scene.links(POD, at=4)[0].attributes["kind"] == "host_path"


def test_a_mount_that_worked_at_last_keeps_nobody_waiting() -> None:
    scene = unmounted("failed to sync secret cache: timed out waiting for the condition", count=2)
    assert codes(scene.links(POD, at=1.2)) == ["startup.mount_failed"]
    scene.say(mounting(), "Pulling", 'Pulling image "registry.test/web:1"', at=2, container="app")
    assert codes(scene.links(POD, at=5)) == ["none.starting"]


def sandboxless(message: str, *, count: int = 5) -> Scene:
    obj = pod()
    scene = Scene().see(with_status(obj, waiting("ContainerCreating"), phase="Pending"), at=1)
    return scene.say(obj, "FailedCreatePodSandBox", message, at=1.1, count=count)


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ('failed to setup network for sandbox "x": plugin type="calico" failed (add): stat /var/lib: no such', "cni"),
        ("rpc error: dial unix /run/containerd/containerd.sock: connect: connection refused", "runtime"),
    ],
)
def test_a_sandbox_that_fails_again_and_again_is_the_nodes(message: str, kind: str) -> None:
    (link,) = sandboxless(message).links(POD, at=2)
    assert (link.code, link.blame) == ("startup.sandbox_failed", ObjectKey("Node", "", "node-1"))
    assert link.attributes["kind"] == kind


@pytest.mark.parametrize(
    "message",
    [
        'plugin type="host-local" failed (add): failed to allocate for range 0: no IP addresses available in range set',
        'plugin type="aws-cni" failed (add): add cmd: failed to assign an IP address to container',
    ],
)
def test_addresses_that_ran_out_are_a_cause_of_their_own(message: str) -> None:
    assert codes(sandboxless(message).links(POD, at=2)) == ["network.ip_exhausted"]


def test_a_sandbox_that_failed_once_is_an_accident_of_start() -> None:
    assert codes(sandboxless("plugin type=x failed", count=1).links(POD, at=1.2)) == ["none.starting"]


@pytest.mark.parametrize(
    "message",
    [
        "container has runAsNonRoot and image will run as root (pod: x, container: app)",
        "container's runAsUser breaks non-root policy (pod: x, container: app)",
        "container has runAsNonRoot and image has non-numeric user (web), cannot verify user is non-root",
    ],
)
def test_a_user_that_the_kubelet_refuses_is_the_workloads(message: str) -> None:
    (link,) = unconfigured(message).links(POD, at=2)
    assert (link.code, link.blame) == ("startup.security_context", DEPLOYMENT)


def test_a_user_that_the_runtime_does_not_find_is_the_workloads() -> None:
    message = "unable to start container process: unable to find user web: no matching entries in passwd file"
    end = ended(128, started=1, at=1, reason="StartError", message=message)
    found = codes(starting_with(crash_looping(end)).links(POD, at=3))
    assert "startup.security_context" in found
    assert "runtime.crash_app" not in found


def test_a_refusal_needs_the_pull_secret_that_is_missing() -> None:
    scene = pulling("pull access denied, repository does not exist or may require authorization")
    told = "Unable to retrieve some image pull secrets (regcred); attempting to pull the image may not succeed."
    obj = pod(containers=[{"name": "app", "image": IMAGE}])
    scene.say(obj, "FailedToRetrieveImagePullSecret", told, at=1.1)
    (link,) = scene.links(POD, at=2)
    assert (link.code, link.blame, link.attributes["secret"]) == ("startup.pull_secret_missing", DEPLOYMENT, "regcred")


def test_an_image_that_does_not_exist_needs_no_pull_secret() -> None:
    scene = pulling(f"{IMAGE}: not found")
    told = "Unable to retrieve some image pull secrets (regcred); attempting to pull the image may not succeed."
    scene.say(pod(), "FailedToRetrieveImagePullSecret", told, at=1.1)
    assert codes(scene.links(POD, at=2)) == ["startup.image_not_found"]


def crashing_with(words: str, **container: object) -> list[str]:
    return codes(starting_with(crash_looping(ended(1, started=1, at=1.5, message=words)), **container).links(POD, at=3))


def test_a_path_that_the_program_may_not_use_is_the_volumes() -> None:
    mounts = [{"name": "data", "mountPath": "/data"}]
    assert "startup.volume_permission" in crashing_with("open /data/x: permission denied", volumeMounts=mounts)
    rooted = {"readOnlyRootFilesystem": True}
    words = "mkdir /var/cache/nginx: read-only file system"
    assert "startup.volume_permission" in crashing_with(words, securityContext=rooted)


def test_a_permission_of_the_programs_own_is_not() -> None:
    mounts = [{"name": "data", "mountPath": "/data"}]
    assert crashing_with("login: permission denied for user web", volumeMounts=mounts) == ["runtime.crash_app"]
    assert crashing_with("open /etc/shadow: permission denied", volumeMounts=mounts) == ["runtime.crash_app"]


# --- Init containers -------------------------------------------------------------------------------------------------


def initializing(state: Json, at: float = 1, **container: object) -> Scene:
    init = {"name": "setup", **container}
    obj = with_status(pod(initContainers=[init]), waiting("PodInitializing"), phase="Pending")
    obj["status"]["initContainerStatuses"] = [{"name": "setup", **state}]
    return Scene().see(obj, at=at)


def test_an_init_container_that_fails_is_named() -> None:
    end = ended(1, started=0.5, at=0.9, message="migration 7 failed")
    state = {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": end}, "restartCount": 2}
    links = {link.code: link for link in initializing(state).links(POD, at=2)}
    link = links["startup.init_container"]
    assert (link.blame, link.attributes["container"], link.attributes["exit_code"]) == (DEPLOYMENT, "setup", 1)
    assert link.attributes["last_line"] == "migration 7 failed"


def test_an_init_container_that_works_on_is_a_start_until_that_is_overdue() -> None:
    scene = initializing({"state": {"running": {"startedAt": when(0.5)}}}, args=["migrate"])
    assert codes(scene.links(POD, at=9)) == ["none.starting"]
    assert codes(scene.links(POD, at=11)) == ["startup.init_container"]


def test_an_init_container_that_only_waits_is_told_sooner() -> None:
    loop = ["sh", "-c", "until nslookup db; do echo waiting for db; sleep 2; done"]
    scene = initializing({"state": {"running": {"startedAt": when(0.5)}}}, command=loop)
    assert codes(scene.links(POD, at=1.2)) == ["none.starting"]
    assert codes(scene.links(POD, at=2)) == ["startup.init_container"]


def test_a_sidecar_runs_without_end_by_design() -> None:
    scene = initializing({"state": {"running": {"startedAt": when(0.5)}}}, restartPolicy="Always")
    assert codes(scene.links(POD, at=12)) == ["none.starting"]


def test_an_init_container_with_a_command_that_does_not_exist_is_both() -> None:
    end = ended(127, started=0.9, at=0.9, reason="ContainerCannotRun", message='exec: "wge": executable file not found')
    state = {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": end}, "restartCount": 2}
    found = codes(initializing(state).links(POD, at=2))
    assert set(found) == {"startup.command_invalid", "startup.init_container"}


def creating(reason: str, message: str) -> Scene:
    """A pod whose containers are not made, and what its kubelet or its volume's controller says, eight times."""
    obj = pod(volumes=[{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}])
    scene = Scene().see(with_status(obj, waiting("ContainerCreating"), phase="Pending"), at=0.2)
    return scene.say(obj, reason, message, at=2, count=8, since=0.3)


def test_a_volume_that_cannot_be_attached_cannot_be_mounted() -> None:
    message = 'AttachVolume.Attach failed for volume "pvc-1" : rpc error: code = NotFound desc = volume vol-1 not found'
    (link,) = creating("FailedAttachVolume", message).links(POD, at=3)
    assert (link.code, link.blame.name) == ("startup.mount_failed", "data")


def test_a_node_whose_network_is_not_ready_starts_no_pod() -> None:
    message = (
        "network is not ready: container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady "
        "message:Network plugin returns error: cni plugin not initialized"
    )
    (link,) = creating("NetworkNotReady", message).links(POD, at=3)
    assert (link.code, link.blame.kind) == ("network.cni_failed", "Node")


# --- What a program may not do as the user that it runs as ------------------------------------------------------------


def ending_as(user: Json | None, words: str) -> Scene:
    obj = pod(containers=[{"name": "app", **({"securityContext": user} if user else {})}])
    return Scene().see(with_status(obj, crash_looping(ended(1, started=1.9, at=2, message=words))), at=2.1)


@pytest.mark.parametrize(
    "words",
    [
        "listen tcp :80: bind: permission denied",
        "nginx: [emerg] bind() to 0.0.0.0:80 failed (13: Permission denied)",
        "Error: listen EACCES: permission denied 0.0.0.0:80",
    ],
)
def test_a_port_that_only_root_may_listen_on(words: str) -> None:
    assert "startup.security_context" in codes(ending_as(None, words).links(POD, at=3))


def test_a_path_that_the_chosen_user_may_not_write_is_the_workloads_choice() -> None:
    words = 'nginx: [emerg] mkdir() "/var/cache/nginx/client_temp" failed (13: Permission denied)'
    assert "startup.volume_permission" in codes(ending_as({"runAsUser": 1000}, words).links(POD, at=3))
    assert codes(ending_as(None, words).links(POD, at=3)) == ["runtime.crash_app"]

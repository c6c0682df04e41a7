import { expect } from "chai";
import { alertmanagerConfig } from "../../../components/monitoring/alertmanager";
import { alertGroups } from "../../../components/monitoring/alerts/rules";
import { home } from "../../support/home";
import { skipBecause } from "../../support/skip";
import { alertmanagerBinary, RunningAlertmanager, type Labels, type Message } from "./running-alertmanager";

const alert = (alertname: string, severity: string, labels: Labels = {}): Labels => ({
  alertname,
  severity,
  ...labels,
});
const critical = (name: string, labels?: Labels) => alert(name, "critical", labels);
const warning = (name: string, labels?: Labels) => alert(name, "warning", labels);

const on = (node: string) => ({ node });
const L3 = { layer: "L3" };
const L4 = { layer: "L4" };

/** What says that k3s3 is off, and what follows from it: alerts of ours, and some of kube-prometheus-stack 77.14.0. */
const k3s3Off = critical("NodeUnreachable", { ...on("k3s3"), peer: "k3s3", ...L3 });
const symptoms: readonly Labels[] = [
  critical("NodeUnreachable", { ...on("k3s3"), peer: "k3s3", ...L4 }),
  critical("NodeDown", { ...on("k3s3"), condition: "Ready", status: "true" }),
  critical("LonghornManagerGone", on("k3s3")),
  critical("LonghornNodeNotReady", on("k3s3")),
  ...["optane-1", "optane-2", "nvme-1", "nvme-2"].map((disk) =>
    critical("LonghornDiskNotReady", { ...on("k3s3"), disk }),
  ),
  critical("CiliumAgentNotReady", { ...on("k3s3"), namespace: "kube-system", pod: "cilium-abc12" }),
  critical("CsiPluginNotReady", { ...on("k3s3"), namespace: "longhorn-system", pod: "longhorn-csi-plugin-x1" }),
  warning("VolumeAttachmentStuck", { ...on("k3s3"), volumeattachment: "csi-1" }),
  warning("GpuGone", on("k3s3")),
  warning("GpuMetricsMissing"),
  warning("LonghornVolumeDegraded", { ...on("k3s1"), volume: "pvc-1", pvc: "config", pvc_namespace: "media" }),
  warning("CiliumUnreachableNodes", { pod: "cilium-def34", instance: "192.168.10.21:9962" }),
  critical("SloBudgetBurning", { slo: "media", window: "1h" }),
  critical("SloBudgetBurning", { slo: "storage", window: "1h" }),
  warning("AppDown", { namespace: "media", deployment: "jellyfin" }),
  ...["node-exporter", "kubelet", "longhorn-backend", "prober"].map((job) => warning("TargetDown", { job })),
  warning("KubePodNotReady", { namespace: "media", pod: "jellyfin-1" }),
  warning("KubeDeploymentReplicasMismatch", { namespace: "ai", deployment: "ollama" }),
  warning("KubeDaemonSetRolloutStuck", { namespace: "monitoring", daemonset: "prober" }),
];

/** A disk of k3s3 that is failing: critical alerts of ours, and two of the chart. */
const losing: readonly Labels[] = [
  critical("NodeFilesystemReadOnly", { ...on("k3s3"), mountpoint: "/mnt/nvme-1", device: "/dev/nvme0n1" }),
  critical("NodeFilesystemNearEviction", { ...on("k3s3"), mountpoint: "/" }),
  critical("LonghornDiskNotReady", { ...on("k3s3"), disk: "nvme-1" }),
  critical("LonghornNodeStorageAlmostFull", on("k3s3")),
  critical("LonghornVolumeFaulted", { ...on("k3s3"), volume: "pvc-3", pvc: "config", pvc_namespace: "media" }),
  critical("NodeRAIDDegraded", { ...on("k3s3"), device: "md0" }),
  critical("KubePersistentVolumeFillingUp", { ...on("k3s3"), persistentvolumeclaim: "config", namespace: "media" }),
];

const r730Off = critical("NfsServerDown", { ...on("r730"), peer: "r730", ...L3 });
const withR730: readonly Labels[] = [
  critical("NodeUnreachable", { ...on("k3s-master1"), peer: "k3s-master1", ...L3 }),
  critical("NodeDown", on("k3s-master1")),
  ...["k3s1", "k3s2", "k3s3"].map((node) => critical("ApiUnreachable", { ...on(node), peer: "k3s-master1", ...L3 })),
  critical("KubeAPIDown"),
  critical("AddressNotAnnounced", { namespace: "networking", service: "cilium-gateway-home" }),
  critical("SloBudgetBurning", { slo: "media", window: "1h" }),
  warning("TargetDown", { job: "apiserver" }),
  warning("KubePodNotReady", { namespace: "media", pod: "plex-1" }),
];

const names = (messages: readonly Message[]) =>
  messages.map(({ receiver, alerts }) => `${receiver}: ${alerts.map(({ alertname }) => alertname).join(", ")}`).sort();

describe("Inhibition in a running Alertmanager", function () {
  this.timeout(120_000);
  let running: RunningAlertmanager | undefined;

  before(function () {
    if (alertmanagerBinary() === undefined) {
      skipBecause(this, "no Alertmanager on PATH (Debian package prometheus-alertmanager; its service need not run)");
    }
  });

  afterEach(async () => {
    await running?.stop();
    running = undefined;
  });

  const sent = async (alerts: readonly Labels[], config = alertmanagerConfig(home())) => {
    running = await RunningAlertmanager.start(config);
    return running.fire(alerts);
  };

  it("a dead node and its symptoms, twenty and more, are one message: the one with the layer", async () => {
    expect(symptoms.length).to.be.at.least(20);
    // The cause last: order does not matter within a group's wait.
    const messages = await sent([...symptoms, k3s3Off]);
    expect(messages).to.deep.equal([{ receiver: "phone-critical", alerts: [k3s3Off] }]);
  });

  it("without the rules they would be many, so it is the rules that keep them back", async () => {
    const messages = await sent([...symptoms, k3s3Off], { ...alertmanagerConfig(home()), inhibit_rules: [] });
    expect(messages.length).to.be.greaterThan(15);
    expect(messages.flatMap(({ alerts }) => alerts)).to.have.length(symptoms.length + 1);
  });

  it("without the cause every symptom is told", async () => {
    const alone = symptoms.filter(({ alertname }) => !["NodeUnreachable", "NodeDown"].includes(alertname));
    const messages = await sent(alone);
    expect(messages.flatMap(({ alerts }) => alerts)).to.have.length(alone.length);
  });

  it("the R730 with the control plane's VM on it is one message, too", async () => {
    expect(await sent([...withR730, r730Off])).to.deep.equal([{ receiver: "phone-critical", alerts: [r730Off] }]);
  });

  it("a dead node keeps back neither another node, nor lost data elsewhere, nor backups, nor the watch", async () => {
    const messages = await sent([
      k3s3Off,
      critical("NodeUnreachable", { ...on("k3s1"), peer: "k3s1", ...L3 }),
      critical("LonghornVolumeFaulted", { ...on("k3s2"), volume: "pvc-2", pvc: "data", pvc_namespace: "authentik" }),
      critical("VeleroBackupTooOld", { schedule: "hourly" }),
      critical("SloBudgetBurning", { slo: "gateway", window: "1h" }),
      warning("CertificateExpiring", { name: "grafana", exported_namespace: "networking" }),
      alert("Watchdog", "none"),
    ]);
    expect(names(messages)).to.deep.equal([
      "dead-mans-switch: Watchdog",
      "phone-critical: LonghornVolumeFaulted",
      "phone-critical: NodeUnreachable, NodeUnreachable",
      "phone-critical: SloBudgetBurning",
      "phone-critical: VeleroBackupTooOld",
      "phone-warning: CertificateExpiring",
    ]);
  });

  for (const [cause, words] of [
    [critical("NodeDown", { ...on("k3s3"), condition: "Ready", status: "true" }), "its kubelet is down"],
    [critical("NodeUnreachable", { ...on("k3s3"), peer: "k3s3", ...L4 }), "it answers ping and nothing else"],
  ] as const) {
    it(`a node that is there can lose data although ${words}: that is told, its other symptoms are not`, async () => {
      const others = [
        critical("LonghornNodeNotReady", on("k3s3")),
        warning("LonghornDiskNotSchedulable", { ...on("k3s3"), disk: "nvme-1" }),
        warning("GpuGone", on("k3s3")),
      ];
      const messages = await sent([...losing, ...others, cause]);
      expect(names(messages)).to.deep.equal(
        [...losing, cause].map(({ alertname }) => `phone-critical: ${alertname}`).sort(),
      );
    });
  }

  it("a machine that is gone says nothing more of its disks", async () => {
    expect(await sent([...losing, k3s3Off])).to.deep.equal([{ receiver: "phone-critical", alerts: [k3s3Off] }]);
  });

  it("an alert at its higher severity keeps back its lower one, of the same thing only", async () => {
    const gpu = (severity: string, index: string) => alert("GpuHot", severity, { Hostname: "k3s3", gpu: index });
    const messages = await sent([gpu("warning", "0"), gpu("critical", "0"), gpu("warning", "1")]);
    expect(
      messages.map(({ receiver, alerts }) => [receiver, ...alerts.map(({ gpu: index }) => index)]).sort(),
    ).to.deep.equal([
      ["phone-critical", "0"],
      ["phone-warning", "1"],
    ]);
  });

  it("an app that is down is one message, although the chart says it, too", async () => {
    const jellyfin = { namespace: "media", deployment: "jellyfin" };
    const messages = await sent([
      warning("KubeDeploymentReplicasMismatch", jellyfin),
      warning("KubeDeploymentReplicasMismatch", { ...jellyfin, deployment: "plex" }),
      warning("AppDown", jellyfin),
      warning("KubeJobFailed", { namespace: "ai", job_name: "ollama-pull-llama3-2-3b" }),
      warning("AppJobFailed", { namespace: "ai", job_name: "ollama-pull-llama3-2-3b" }),
    ]);
    expect(names(messages)).to.deep.equal([
      "phone-warning: AppDown",
      "phone-warning: AppJobFailed",
      "phone-warning: KubeDeploymentReplicasMismatch",
    ]);
  });

  it("the symptoms are alerts of this house or of its chart", () => {
    const ours = new Set(alertGroups(home()).flatMap(({ alerts }) => alerts.map(({ name }) => name)));
    const all = [...symptoms, ...losing, ...withR730, k3s3Off, r730Off].map(({ alertname }) => alertname);
    expect(all.filter((name) => !ours.has(name) && !/^(Kube|NodeRAID|TargetDown$)/.test(name))).to.deep.equal([]);
  });
});

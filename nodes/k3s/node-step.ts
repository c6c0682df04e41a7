import { createHash } from "node:crypto";
import { longestGapHours } from "../../config/cron";
import type { Homelab, NodeMachine } from "../../config/homelab";
import { fetchUrl } from "../../config/mirror";
import { assignments, readCode, type HostFile, type HostProbe, type HostScript, type ShellValue } from "../host-script";
import type { Facts } from "../host-state";
import { agentConfig, API_PORT, k3sConfigYaml, serverConfig } from "./config";
import type { K3sKind } from "./flags";
import { kubeletKernelSettings } from "./kernel";
import { paths, stockScripts } from "./paths";
import { registriesYaml } from "./registries";
import { k3sUnit, unitName } from "./unit";

/** Everything about K3s on one node: what is run, what is looked at, and what must be found. */
export interface K3sNodeStep {
  kind: K3sKind;
  script: HostScript;
  probe: HostProbe;
  /** `certificate.notAfter` is observed and not expected: it changes by itself. */
  expected: Facts;
}

/** The folder of a K3s release upstream. */
export function k3sRelease(version: string): string {
  return `https://github.com/k3s-io/k3s/releases/download/${encodeURIComponent(version)}`;
}

/** The binary of a kind of node: upstream's URL, and the digest that it must have wherever it comes from. */
export function k3sBinary(homelab: Homelab, kind: K3sKind): { version: string; sha256: string; url: string } {
  const { k3s } = homelab.versions;
  const { version, sha256 } = kind === "agent" && k3s.agent ? k3s.agent : k3s;
  return { version, sha256, url: `${k3sRelease(version)}/k3s` };
}

/** What stands in the place of the stock killall and uninstall scripts. */
export const disarmedScript = [
  "#!/bin/sh",
  "# Disarmed: the stock script deletes through mounts below the data directory, NFS shares included.",
  `echo "$0 is disarmed on this machine: it deletes what is mounted below ${paths.data}, media included." >&2`,
  `echo "Use instead: ${paths.teardownCommand} stop, or: ${paths.teardownCommand} delete HOSTNAME" >&2`,
  "exit 1",
  "",
].join("\n");

/**
 * K3s on one node of the homelab.
 *
 * @param mounts mount points of the node's data disks: K3s waits for them, and no teardown ever touches them.
 */
export function k3sNodeStep(homelab: Homelab, machine: NodeMachine, mounts: readonly string[]): K3sNodeStep {
  const kind: K3sKind = machine.role === "control-plane" ? "server" : "agent";
  const unit = unitName[kind];
  const config = k3sConfigYaml(
    kind,
    machine.role === "control-plane" ? serverConfig(homelab) : agentConfig(homelab, machine),
  );
  const registries = registriesYaml(homelab);
  const unitText = k3sUnit(kind, mounts);
  const nvidia = machine.role === "worker" && machine.gpu !== undefined;
  const { version, sha256, url } = k3sBinary(homelab, kind);
  // Twice the longest gap: one missed run is no alarm, two are.
  const snapshotHours = kind === "server" ? Math.ceil(2 * longestGapHours(homelab.backup.etcd.cron)) + 1 : 0;

  const inspected: Record<string, ShellValue> = {
    DATA_DIR: paths.data,
    CONFIG: paths.config,
    REGISTRIES: paths.registries,
    MEMORY: paths.memory,
    BINARY_LINK: "/usr/local/bin/k3s",
    UNIT: unit,
    TOKEN_FILES: kind === "server" ? [paths.serverToken, paths.agentToken] : [paths.agentToken],
  };
  const tornDown: Record<string, ShellValue> = {
    KUBELET_ROOT: homelab.cluster.kubeletRoot,
    UNITS: Object.values(unitName),
    KEEP: [homelab.storage.localPath.path, ...mounts],
  };
  const snapshots = { SNAPSHOT_HOURS: snapshotHours };
  const gpu = { NVIDIA: nvidia ? "yes" : "no" };

  const files: HostFile[] = [
    { path: paths.config, mode: "0600", content: config },
    { path: paths.registries, mode: "0600", content: registries },
    ...(kind === "server" ? [secretFile(paths.serverToken, "SERVER_TOKEN")] : []),
    secretFile(paths.agentToken, "AGENT_TOKEN"),
    { path: `/etc/systemd/system/${unit}.service`, mode: "0644", content: unitText },
    { path: paths.teardownCommand, mode: "0755", content: teardownCommand({ ...inspected, ...tornDown }) },
    ...stockScripts.map((path): HostFile => ({ path, mode: "0755", content: disarmedScript })),
  ];

  return {
    kind,
    script: {
      name: kind === "server" ? "k3s-server" : "k3s-agent",
      source: `k3s/${kind}.sh`,
      libraries: ["versions-lib.sh", "k3s/inspect.sh", "k3s/teardown.sh", "k3s/common.sh"],
      variables: {
        NODE: machine.name,
        GENERATION: homelab.cluster.generation,
        VERSION: version,
        SHA256: sha256,
        URL: fetchUrl(homelab, url, sha256),
        BINARIES: paths.binaries,
        ...inspected,
        ...tornDown,
        ...gpu,
        TEARDOWN_COMMAND: paths.teardownCommand,
        KERNEL_DEFAULTS: Object.entries(kubeletKernelSettings).map(([name, value]) => `${name}=${value}`),
        START_SECONDS: 420,
        ...(kind === "server" ? snapshots : { SERVER: `https://${homelab.controlPlane.address}:${API_PORT}` }),
      },
      files,
      secrets: kind === "server" ? ["CLUSTER_ID", "SERVER_TOKEN", "AGENT_TOKEN"] : ["CLUSTER_ID", "AGENT_TOKEN"],
      // A teardown of an old generation, the download and the start, each with its own limit inside.
      timeoutSeconds: 1800,
    },
    probe: {
      source: "k3s/probe.sh",
      libraries: ["k3s/inspect.sh"],
      variables: {
        ...inspected,
        ...snapshots,
        ...gpu,
        STOCK_SCRIPTS: stockScripts,
        DISARMED_SHA256: hash(disarmedScript),
      },
    },
    expected: {
      version,
      binary: sha256,
      config: hash(config),
      registries: hash(registries),
      "config.dropIns": "none",
      unit: "active/enabled",
      "unit.file": hash(unitText),
      restart: "none",
      kubeletRoot: homelab.cluster.kubeletRoot,
      generation: String(homelab.cluster.generation),
      stockScripts: "disarmed",
      certificate: "ok",
      ...(kind === "server" ? { snapshots: "fresh" } : {}),
      ...(nvidia ? { nvidiaRuntime: "registered" } : {}),
    },
  };
}

/** The guarded teardown as a command of its own, for the person in front of the machine. */
function teardownCommand(variables: Record<string, ShellValue>): string {
  return [
    "#!/bin/bash",
    readCode("lib.sh"),
    assignments(variables),
    readCode("k3s/inspect.sh"),
    readCode("k3s/teardown.sh"),
    readCode("k3s/teardown-command.sh"),
    "",
  ].join("\n\n");
}

function secretFile(path: string, secret: string): HostFile {
  return { path, mode: "0600", content: { secret } };
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

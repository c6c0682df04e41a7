import { line, version } from "../../config/version";

/** Levels of the Pod Security Standards, from the open to the strict (kubernetes.io/docs/concepts/security/pod-security-standards). */
export type PodSecurityLevel = "privileged" | "baseline" | "restricted";

export interface PodSecurity {
  level: PodSecurityLevel;
  /** Why it is not `restricted`; left out where it is. */
  because?: string;
}

/** What each namespace of the platform enforces. */
export const platformPodSecurity: Readonly<Record<string, PodSecurity>> = {
  networking: { level: "restricted" },
  "cert-manager": { level: "restricted" },
  authentik: { level: "baseline", because: "the pods of its chart and of PostgreSQL's state no seccomp profile" },
  monitoring: {
    level: "privileged",
    because: "node-exporter uses the host's network and processes, Alloy reads the host's logs",
  },
  "longhorn-system": { level: "privileged", because: "managers, engines and CSI plugin mount on the host" },
  "local-path-storage": { level: "privileged", because: "helper pods mount the folder of the volumes" },
  "csi-driver-nfs": { level: "privileged", because: "the plugin mounts on the host and uses its network" },
  "nvidia-device-plugin": {
    level: "privileged",
    because: "the plugin mounts the kubelet's folder of device plugins",
  },
  "dcgm-exporter": {
    level: "privileged",
    because: "profiling metrics need SYS_ADMIN, and it mounts the kubelet's socket of pod resources",
  },
  "intel-gpu-plugin": { level: "privileged", because: "the plugin mounts the kubelet's folder of device plugins" },
  velero: { level: "privileged", because: "node agents read volumes of every pod through host paths" },
};

const apps: PodSecurity = {
  level: "baseline",
  because: "some images start as root before they give it up; none may reach the host",
};

/** What a namespace enforces; one that is not the platform's is of apps. */
export function podSecurity(namespace: string): PodSecurity {
  return Object.hasOwn(platformPodSecurity, namespace) ? platformPodSecurity[namespace] : apps;
}

/**
 * Labels of Pod Security Admission: enforces the level and warns at it; audits at the strictest, so that the audit log
 * shows what each exception is still used for. Pinned to the minor of the pinned K3s: an upgrade never tightens it unseen.
 *
 * @param k3s release such as v1.32.5+k3s1.
 */
export function podSecurityLabels(namespace: string, k3s: string): Record<string, string> {
  const { level } = podSecurity(namespace);
  const prefix = "pod-security.kubernetes.io";
  return Object.fromEntries(
    Object.entries({ enforce: level, warn: level, audit: "restricted" }).flatMap(([mode, value]) => [
      [`${prefix}/${mode}`, value],
      [`${prefix}/${mode}-version`, `v${line(version(k3s))}`],
    ]),
  );
}

import type { PodSecurityLevel } from "../../components/isolation/pod-security";

interface Context {
  privileged?: boolean;
  allowPrivilegeEscalation?: boolean;
  runAsNonRoot?: boolean;
  runAsUser?: number;
  procMount?: string;
  capabilities?: { add?: string[]; drop?: string[] };
  seccompProfile?: { type: string };
  seLinuxOptions?: { type?: string; user?: string; role?: string };
  windowsOptions?: { hostProcess?: boolean };
  appArmorProfile?: { type: string };
  sysctls?: { name: string }[];
}

interface Container {
  name: string;
  securityContext?: Context;
  ports?: { hostPort?: number }[];
}

interface Spec {
  hostNetwork?: boolean;
  hostPID?: boolean;
  hostIPC?: boolean;
  securityContext?: Context;
  volumes?: Record<string, unknown>[];
  containers?: Container[];
  initContainers?: Container[];
  ephemeralContainers?: Container[];
}

const BASELINE_CAPABILITIES = [
  ...["AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP"],
  ...["SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"],
];
const SAFE_SYSCTLS = [
  ...["kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start"],
  ...["net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports"],
  ...["net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl"],
  "net.ipv4.tcp_keepalive_probes",
];
const RESTRICTED_VOLUMES = [
  ...["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"],
];

/**
 * What Pod Security Admission of Kubernetes 1.32 would say against a pod at a level (kubernetes.io/docs/concepts/security/
 * pod-security-standards, the tables of Baseline and Restricted). Empty means admitted.
 */
export function podSecurityErrors(level: PodSecurityLevel, spec: unknown): string[] {
  const pod = spec as Spec;
  return level === "privileged" ? [] : [...baseline(pod), ...(level === "restricted" ? restricted(pod) : [])];
}

function containersOf({ containers = [], initContainers = [], ephemeralContainers = [] }: Spec): Container[] {
  return [...initContainers, ...containers, ...ephemeralContainers];
}

function baseline(pod: Spec): string[] {
  const errors = (["hostNetwork", "hostPID", "hostIPC"] as const).filter((key) => pod[key]).map(String);
  for (const volume of pod.volumes ?? []) {
    if ("hostPath" in volume) {
      errors.push(`volume ${String(volume.name)}: hostPath`);
    }
  }
  errors.push(...contextErrors("pod", pod.securityContext));
  for (const { name, securityContext = {}, ports = [] } of containersOf(pod)) {
    errors.push(...contextErrors(name, securityContext));
    if (securityContext.privileged) {
      errors.push(`${name}: privileged`);
    }
    if (ports.some(({ hostPort }) => hostPort)) {
      errors.push(`${name}: hostPort`);
    }
    for (const capability of securityContext.capabilities?.add ?? []) {
      if (!BASELINE_CAPABILITIES.includes(capability)) {
        errors.push(`${name}: capability ${capability}`);
      }
    }
    if ((securityContext.procMount ?? "Default") !== "Default") {
      errors.push(`${name}: procMount`);
    }
  }
  return errors;
}

function contextErrors(where: string, context: Context = {}): string[] {
  const { seccompProfile, seLinuxOptions, windowsOptions, appArmorProfile, sysctls = [] } = context;
  return [
    ...(seccompProfile?.type === "Unconfined" ? [`${where}: seccomp Unconfined`] : []),
    ...(appArmorProfile?.type === "Unconfined" ? [`${where}: AppArmor Unconfined`] : []),
    ...(windowsOptions?.hostProcess ? [`${where}: hostProcess`] : []),
    ...(seLinuxOptions?.user || seLinuxOptions?.role ? [`${where}: SELinux user or role`] : []),
    ...(seLinuxOptions?.type && !/^container_(t|init_t|kvm_t|engine_t)$/.test(seLinuxOptions.type)
      ? [`${where}: SELinux type`]
      : []),
    ...sysctls.filter(({ name }) => !SAFE_SYSCTLS.includes(name)).map(({ name }) => `${where}: sysctl ${name}`),
  ];
}

function restricted(pod: Spec): string[] {
  const errors = (pod.volumes ?? [])
    .filter((volume) => !Object.keys(volume).some((key) => RESTRICTED_VOLUMES.includes(key)))
    .map(({ name }) => `volume ${String(name)}: type`);
  const above = pod.securityContext ?? {};
  for (const { name, securityContext: own = {} } of containersOf(pod)) {
    if (own.allowPrivilegeEscalation !== false) {
      errors.push(`${name}: allowPrivilegeEscalation`);
    }
    if ((own.runAsNonRoot ?? above.runAsNonRoot) !== true) {
      errors.push(`${name}: runAsNonRoot`);
    }
    if ((own.runAsUser ?? above.runAsUser) === 0) {
      errors.push(`${name}: runAsUser 0`);
    }
    if (!["RuntimeDefault", "Localhost"].includes((own.seccompProfile ?? above.seccompProfile)?.type ?? "")) {
      errors.push(`${name}: seccompProfile`);
    }
    if (!(own.capabilities?.drop ?? []).includes("ALL")) {
      errors.push(`${name}: capabilities.drop`);
    }
    for (const capability of own.capabilities?.add ?? []) {
      if (capability !== "NET_BIND_SERVICE") {
        errors.push(`${name}: capability ${capability}`);
      }
    }
  }
  return errors;
}

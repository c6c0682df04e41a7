import { claimName, MEDIA_CLAIM, secretName } from "../../apps/names";
import { show, type ConfigIssue } from "../../issues";
import { ofEach, ofRules } from "../../readable";
import type { RawHomelab } from "../../schema";
import { each, type App } from "./check";
import { issueIf, type Check } from "../check";

/** Fields that the program itself decides, or that would go around what is checked and limited here. */
const OURS = {
  pod: [
    ...["containers", "hostNetwork", "hostPID", "hostIPC", "hostUsers", "nodeName", "automountServiceAccountToken"],
    ...["serviceAccount", "serviceAccountName", "restartPolicy", "subdomain", "hostname"],
    ...["runtimeClassName", "nodeSelector"],
  ],
  container: [
    "name",
    "image",
    "ports",
    "resources",
    "command",
    "args",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
  ],
} as const;

const PARTS = ["pod", "container"] as const;

/** Resources of GPUs: what asks for one counts among its slices, so it must ask by `gpu`. */
const GPU_RESOURCE = /"(nvidia\.com|gpu\.intel\.com)\/[a-z0-9._-]+":/;

const kubernetesFields: Check = each("fields of Kubernetes leave the program's own alone", (app, key) =>
  ofEach(PARTS, (part) => [
    ...Object.keys(app[part])
      .filter((field) => (OURS[part] as readonly string[]).includes(field))
      .map((field) => ({
        path: `apps.${key}.${part}.${field}`,
        found: "a field that the program decides",
        allowed: `fields of a ${part} but ${OURS[part].join(", ")}`,
        fix: "say it by the app's own keys, or leave it out",
      })),
    ...issueIf(privileged(app[part]), () => ({
      path: `apps.${key}.${part}`,
      found: "privileged, or a port of the host",
      allowed: "what Kubernetes' baseline standard lets in: the namespaces of apps refuse the rest",
      fix: "leave it out",
    })),
    ...issueIf(GPU_RESOURCE.test(JSON.stringify(app[part])), () => ({
      path: `apps.${key}.${part}`,
      found: "a GPU asked for past the count of its slices",
      allowed: "gpu: nvidia or gpu: quicksync, one share each",
      fix: "write gpu, and take the resource away",
    })),
  ]),
);

/** Capabilities that Kubernetes' baseline standard lets a container add (pod-security-standards, "Capabilities"). */
const CAPABILITIES = [
  ...["AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP"],
  ...["SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"],
];

/** Whatever is added as a capability anywhere in these fields. */
function addedCapabilities(fields: unknown): unknown[] {
  if (fields === null || typeof fields !== "object") {
    return [];
  }
  return Object.entries(fields).flatMap(([key, value]: [string, unknown]) => {
    const { add } = (key === "capabilities" ? (value ?? {}) : {}) as { add?: unknown };
    return [...(Array.isArray(add) ? (add as unknown[]) : []), ...addedCapabilities(value)];
  });
}

/** Every namespace of apps enforces the baseline standard (components/isolation/pod-security.ts). */
const capabilities: Check = each("capabilities of apps are those of the baseline standard", (app, key) =>
  ofEach(PARTS, (part) => {
    const refused = addedCapabilities(app[part]).filter((name) => !CAPABILITIES.includes(String(name)));
    return issueIf(refused.length > 0, () => ({
      path: `apps.${key}.${part}`,
      found: `capabilities.add: ${refused.join(", ")}`,
      allowed: `${CAPABILITIES.join(", ")}: the namespaces of apps refuse a pod with any other`,
      fix: "leave it out; what must reach the kernel is no app and belongs to the platform",
    }));
  }),
);

function privileged(fields: Record<string, unknown>): boolean {
  return /"(privileged|allowPrivilegeEscalation)":true|"hostPort":/.test(JSON.stringify(fields));
}

/** A value somewhere in plain fields of Kubernetes. */
interface Field {
  path: string;
  /** Keys and indices from the pod or container down to it. */
  keys: readonly string[];
  value: unknown;
}

function fieldsOf(value: unknown, path: string, keys: readonly string[] = []): Field[] {
  const below = value !== null && typeof value === "object" ? Object.entries(value) : [];
  return [
    ...(keys.length > 0 ? [{ path, keys, value }] : []),
    ...below.flatMap(([key, child]) =>
      fieldsOf(child, Array.isArray(value) ? `${path}[${key}]` : `${path}.${key}`, [...keys, key]),
    ),
  ];
}

/** What is wrong with one field, if it undoes something that the program promises. */
type Rule = (
  field: Field,
  about: { part: (typeof PARTS)[number]; key: string; app: App; apps: RawHomelab["apps"] },
) => Omit<ConfigIssue, "path"> | undefined;

/** Sources of volumes that lie in the cluster and in nobody else's hands. */
const SOURCES = ["configMap", "downwardAPI", "emptyDir", "image", "persistentVolumeClaim", "projected", "secret"];

/** kubernetes.io/docs/concepts/security/pod-security-standards, "Sysctls". */
const SYSCTLS = [
  ...["kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start"],
  ...["net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports"],
  ...["net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl"],
  "net.ipv4.tcp_keepalive_probes",
];

const LEAVE_OUT = "leave it out";

const removed: Rule = ({ value }) =>
  value === null
    ? { found: "null", allowed: "a value: null takes away what the program says there", fix: LEAVE_OUT }
    : undefined;

const unconfined: Rule = ({ keys, value }) => {
  const [profile, type] = keys.slice(-2);
  const wrong =
    (/^(seccompProfile|appArmorProfile)$/.test(profile) && type === "type" && value === "Unconfined") ||
    (type === "procMount" && value !== "Default") ||
    (type === "hostProcess" && value === true) ||
    (profile === "seLinuxOptions" && /^(user|role|type)$/.test(type)) ||
    (keys.at(-3) === "sysctls" && type === "name" && !SYSCTLS.includes(String(value)));
  return wrong
    ? {
        found: show(value),
        allowed: "what Kubernetes' baseline standard lets in: the namespaces of apps refuse the rest",
        fix: LEAVE_OUT,
      }
    : undefined;
};

const ownership: Rule = ({ keys, value }) =>
  /^fsGroup(ChangePolicy)?$/.test(keys.at(-1) ?? "")
    ? {
        found: show(value),
        allowed: "no fsGroup: the kubelet would change the owner of everything in a volume, the media among it",
        fix: "write supplementalGroups to belong to another group; new volumes are given to the app's user anyway",
      }
    : undefined;

const user: Rule = ({ keys: [context, field, ...more], value }) =>
  context === "securityContext" && /^runAs(User|Group|NonRoot)$/.test(field) && more.length === 0
    ? { found: show(value), allowed: "runAs, and user with runAs: image", fix: "say it by the app's own keys" }
    : undefined;

const dropped: Rule = ({ keys, value }, { part }) =>
  part === "container" &&
  keys.join(".") === "securityContext.capabilities.drop" &&
  !(Array.isArray(value) && value.includes("ALL"))
    ? {
        found: show(value),
        allowed: "a list with ALL: an app has the capabilities that it adds and no other",
        fix: "write [ALL], and add what it needs",
      }
    : undefined;

const placed: Rule = ({ keys }) =>
  keys.join(".") === "affinity.nodeAffinity"
    ? {
        found: "a choice of nodes past the one that is checked",
        allowed: "nodes: slices of GPUs and copies of volumes are counted on it",
        fix: "write nodes",
      }
    : undefined;

const sources: Rule = ({ keys: [list, , source, ...more], value }) =>
  list === "volumes" && more.length === 0 && !["name", undefined, ...SOURCES].includes(source)
    ? {
        found: show(value),
        allowed: `${SOURCES.join(", ")}: whatever else is mounted past the network policies and the one mount of the media`,
        fix: source === "nfs" || source === "hostPath" ? "write media, or volumes" : "write volumes or scratch",
      }
    : undefined;

const token: Rule = ({ keys }) =>
  keys.at(-1) === "serviceAccountToken"
    ? { found: "a token for the API server", allowed: "none: no app speaks with it", fix: LEAVE_OUT }
    : undefined;

const foreign: Rule = ({ keys, value }, { key, app, apps }) => {
  const [parent, name] = keys.slice(-2);
  if (name === "claimName" && value === MEDIA_CLAIM) {
    return { found: "the media share", allowed: "media: once, whole, and as it is exported", fix: "write media" };
  }
  const [owner] = ofEach(apps, ({ namespace, volumes }, other) => {
    const isTheirs =
      name === "claimName"
        ? Object.keys(volumes).some((volume) => claimName({ name: other }, volume) === value)
        : /^secret(Ref|KeyRef)?$/.test(parent) &&
          /^(name|secretName)$/.test(name) &&
          secretName({ name: other }) === value;
    return isTheirs && other !== key && namespace === app.namespace ? [other] : [];
  });
  return owner === undefined
    ? undefined
    : {
        found: `${show(value)}, which belongs to apps.${owner}`,
        allowed: "what is the app's own: two on one volume ruin it, and a secret is handed on by name",
        fix: name === "claimName" ? "give it a volume of its own" : `write secrets: { VARIABLE: ${owner}.<key> }`,
      };
};

const mediaOnce: Rule = ({ keys, value }, { app }) =>
  keys.at(-3) === "volumeMounts" && keys.at(-1) === "name" && value === MEDIA_CLAIM && app.media !== undefined
    ? {
        found: "the media share, mounted once more",
        allowed: "media alone: hard links work within one mount only, and nothing else may touch 30 TB",
        fix: "take it away; media.mountPath says where it is",
      }
    : undefined;

const GPU_VARIABLE = "NVIDIA_VISIBLE_DEVICES";
const gpuVariable = {
  allowed: "gpu: nvidia, with which the device plugin sets it: one slice, which is counted",
  fix: "write gpu: nvidia, and take the variable away",
};

const gpus: Rule = ({ keys, value }) =>
  keys.at(-3) === "env" && keys.at(-1) === "name" && value === GPU_VARIABLE
    ? { found: GPU_VARIABLE, ...gpuVariable }
    : undefined;

const rules: readonly Rule[] = [
  ...[removed, unconfined, ownership, user, dropped, placed, sources, token, foreign, mediaOnce, gpus],
];

const promises: Check = each("fields of Kubernetes undo no promise", (app, key, { apps }) =>
  ofRules(
    () =>
      ofEach(PARTS, (part) =>
        fieldsOf(app[part], `apps.${key}.${part}`)
          // Said already, with the key to write instead.
          .filter(({ keys: [first] }) => !(OURS[part] as readonly string[]).includes(first))
          .flatMap((field) =>
            rules.flatMap((rule) => {
              const wrong = rule(field, { part, key, app, apps });
              return wrong ? [{ path: field.path, ...wrong }] : [];
            }),
          ),
      ),
    () =>
      issueIf(Object.hasOwn(app.env, GPU_VARIABLE), () => ({
        path: `apps.${key}.env.${GPU_VARIABLE}`,
        found: app.env[GPU_VARIABLE],
        ...gpuVariable,
      })),
  ),
);

export const appFieldChecks: readonly Check[] = [kubernetesFields, capabilities, promises];

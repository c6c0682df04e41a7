import { createHash } from "node:crypto";
import type { core } from "@pulumi/kubernetes/types/input";
import { JOB_MEMORY } from "../../config/apps/memory";
import { merged } from "../../config/plain";
import type { App, Homelab } from "../../config/homelab";
import { intelWorkers, INTEL_RESOURCE } from "../gpu/intel-manifests";
import { NVIDIA_RESOURCE, NVIDIA_RUNTIME_CLASS, nvidiaWorkers } from "../gpu/nvidia-values";
import { allowedGroups } from "../identity/blueprint";
import { oidcClientId, oidcEndpoints } from "../identity/oidc";
import { tolerationsFor } from "../taints";
import { claimName, MEDIA_CLAIM, secretName } from "./names";

/**
 * What a root start needs to give itself up: own its folders, change to the user, and stop what then runs as another than
 * root (s6-overlay, PUID and PGID).
 */
const ROOT_START_CAPABILITIES = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETUID"];

/** repository:tag, with the digest where there is one. */
export function imageOf({ image: { repository, tag, digest } }: Pick<App, "image">): string {
  return `${repository}:${tag}${digest === undefined ? "" : `@${digest}`}`;
}

/** User and group of the media, as which apps run. */
function ownerOf(homelab: Homelab): { uid: number; gid: number } {
  return homelab.storage.media?.owner ?? { uid: 1000, gid: 1000 };
}

/** As whom the pod runs and to whom its volumes belong; undefined where the image starts as root. */
function userOf(homelab: Homelab, { runAs, user }: App): { uid: number; gid: number } | undefined {
  return runAs === "owner" ? ownerOf(homelab) : user;
}

/** Name of the ConfigMap with an app's files. */
export function filesName({ name }: Pick<App, "name">): string {
  return `${name}-files`;
}

/** Key of a file in that ConfigMap: its path is none. */
export function fileKey(path: string): string {
  return path.slice(1).replaceAll("/", "_");
}

/** Digest of an app's files; pods read them at their start only. */
export function filesHash({ files }: Pick<App, "files">): string {
  return createHash("sha256").update(JSON.stringify(files)).digest("hex").slice(0, 16);
}

/** Machines that can carry an app: those that it names, those with its GPU, or any. */
export function nodesOf(homelab: Homelab, { nodes, gpu }: Pick<App, "nodes" | "gpu">): string[] | undefined {
  const withGpu =
    gpu === undefined
      ? undefined
      : (gpu === "nvidia" ? nvidiaWorkers(homelab) : intelWorkers(homelab)).map(({ name }) => name);
  return nodes && withGpu ? nodes.filter((name) => withGpu.includes(name)) : ((nodes && [...nodes]) ?? withGpu);
}

/**
 * The pod of an app, as plain data. Fields of Kubernetes that the app states itself go over it last.
 *
 * No fsGroup: the kubelet would change the owner of everything in a volume when it is mounted, and of a share of 30 TB with
 * it; a Longhorn volume is made writable by the init container instead, once and by its root folder alone.
 */
export function podSpec(homelab: Homelab, app: App): core.v1.PodSpec {
  const nodes = nodesOf(homelab, app);
  const machines = homelab.nodes.filter(({ name }) => nodes?.includes(name) ?? false);
  const spec: core.v1.PodSpec = {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    securityContext: podSecurity(homelab, app),
    ...(app.gpu === "nvidia" ? { runtimeClassName: NVIDIA_RUNTIME_CLASS } : {}),
    ...(nodes ? { affinity: onNodes(nodes), tolerations: tolerationsFor(homelab, machines) } : {}),
    initContainers: initContainers(homelab, app),
    containers: [container(homelab, app)],
    volumes: volumes(app),
    terminationGracePeriodSeconds: 60,
  };
  return extended(spec, app.pod, ["volumes", "initContainers", "tolerations"]);
}

/** Fields of Kubernetes over ours; lists that ours would be lost from are added to it. */
function extended<T extends object>(spec: T, over: Readonly<Record<string, unknown>>, lists: readonly string[]): T {
  const ours = spec as unknown as Readonly<Record<string, unknown>>;
  const result: Record<string, unknown> = { ...over };
  for (const key of lists.filter((one) => Array.isArray(over[one]))) {
    result[key] = [...((ours[key] as unknown[] | undefined) ?? []), ...(over[key] as unknown[])];
  }
  return merged(ours, result) as unknown as T;
}

function onNodes(names: readonly string[]): core.v1.Affinity {
  return {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [
          { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: [...names] }] },
        ],
      },
    },
  };
}

function podSecurity(homelab: Homelab, app: App): core.v1.PodSecurityContext {
  const user = userOf(homelab, app);
  return {
    seccompProfile: { type: "RuntimeDefault" },
    ...(user ? { runAsNonRoot: true, runAsUser: user.uid, runAsGroup: user.gid } : {}),
  };
}

function container(homelab: Homelab, app: App): core.v1.Container {
  const { uid, gid } = ownerOf(homelab);
  const spec: core.v1.Container = {
    name: app.name,
    image: imageOf(app),
    imagePullPolicy: "IfNotPresent",
    ...(app.command ? { command: [...app.command] } : {}),
    ...(app.args ? { args: [...app.args] } : {}),
    ...(app.port === undefined ? {} : { ports: [{ name: "http", containerPort: app.port }] }),
    env: [
      { name: "TZ", value: homelab.cluster.timezone },
      ...(app.runAs === "environment"
        ? [
            { name: "PUID", value: String(uid) },
            { name: "PGID", value: String(gid) },
          ]
        : []),
      ...Object.entries({ ...oidcVariables(homelab, app), ...app.env }).map(([name, value]) => ({ name, value })),
      ...secretVariables(app).map((name) => ({
        name,
        valueFrom: { secretKeyRef: { name: secretName(app), key: name } },
      })),
    ],
    volumeMounts: mounts(app),
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"], ...(userOf(homelab, app) ? {} : { add: ROOT_START_CAPABILITIES }) },
      ...(app.runAs === "owner" ? { readOnlyRootFilesystem: true } : {}),
    },
    resources: {
      requests: { cpu: app.resources.cpu, memory: app.resources.memory, ...gpuShare(app) },
      // Without a limit of processors: what nobody else wants is not left unused.
      limits: { memory: app.resources.memoryLimit, ...gpuShare(app) },
    },
    ...(app.schedule === undefined && app.port !== undefined ? probes(app) : {}),
  };
  return extended(spec, app.container, ["env", "volumeMounts"]);
}

/** A slice of time or a share of a device; one each, which the device plugins insist on. */
function gpuShare({ gpu }: App): Record<string, string> {
  return gpu === undefined ? {} : { [gpu === "nvidia" ? NVIDIA_RESOURCE : INTEL_RESOURCE]: "1" };
}

/** Variables of OpenID Connect that are no secret. */
function oidcVariables(homelab: Homelab, { name, access, oidc }: App): Record<string, string> {
  if (access?.policy !== "oidc" || !oidc) {
    return {};
  }
  const { clientId, discovery, roles } = oidc;
  return {
    [clientId]: oidcClientId(name),
    [discovery]: oidcEndpoints(homelab, name).discovery,
    ...(roles
      ? { [roles.allowed]: allowedGroups(homelab, name).join(","), [roles.admin]: homelab.identity.groups.admins }
      : {}),
  };
}

/** Names of the variables that come from the app's Secret. */
export function secretVariables({ secrets, access, oidc }: Pick<App, "secrets" | "access" | "oidc">): string[] {
  return [...Object.keys(secrets), ...(access?.policy === "oidc" && oidc ? [oidc.clientSecret] : [])];
}

function probes({ probe }: App): Pick<core.v1.Container, "startupProbe" | "livenessProbe" | "readinessProbe"> {
  const action =
    probe.path === undefined ? { tcpSocket: { port: "http" } } : { httpGet: { path: probe.path, port: "http" } };
  return {
    startupProbe: { ...action, periodSeconds: 10, failureThreshold: Math.ceil(probe.startSeconds / 10) },
    // Slow to kill: a library scan on a busy disk answers late and is not dead.
    livenessProbe: { ...action, periodSeconds: 30, timeoutSeconds: 10, failureThreshold: 6 },
    readinessProbe: { ...action, periodSeconds: 15, timeoutSeconds: 5, failureThreshold: 3 },
  };
}

function volumes(app: App): core.v1.Volume[] {
  return [
    ...Object.keys(app.volumes).map((name) => ({ name, persistentVolumeClaim: { claimName: claimName(app, name) } })),
    ...Object.entries(app.scratch).map(([name, { size }]) => ({
      name: `scratch-${name}`,
      emptyDir: { sizeLimit: size },
    })),
    ...(app.media ? [{ name: "media", persistentVolumeClaim: { claimName: MEDIA_CLAIM } }] : []),
    ...(Object.keys(app.files).length > 0 ? [{ name: "files", configMap: { name: filesName(app) } }] : []),
  ];
}

function mounts(app: App): core.v1.VolumeMount[] {
  return [
    ...Object.entries(app.volumes).map(([name, { mountPath }]) => ({ name, mountPath })),
    ...Object.entries(app.scratch).map(([name, { mountPath }]) => ({ name: `scratch-${name}`, mountPath })),
    ...(app.media ? [{ name: "media", mountPath: app.media.mountPath, readOnly: app.media.readOnly }] : []),
    ...Object.keys(app.files).map((path) => ({
      name: "files",
      mountPath: path,
      subPath: fileKey(path),
      readOnly: true,
    })),
  ];
}

/** A new Longhorn volume belongs to root; this gives its root folder, and nothing below it, to the app's user. */
function initContainers(homelab: Homelab, app: App): core.v1.Container[] {
  const names = Object.keys(app.volumes);
  const user = userOf(homelab, app);
  if (user === undefined || names.length === 0) {
    return [];
  }
  return [
    {
      name: "own-volumes",
      image: homelab.versions.images.localPathHelper,
      imagePullPolicy: "IfNotPresent",
      command: ["chown", `${user.uid}:${user.gid}`, ...names.map((name) => `/volumes/${name}`)],
      volumeMounts: names.map((name) => ({ name, mountPath: `/volumes/${name}` })),
      securityContext: {
        runAsNonRoot: false,
        runAsUser: 0,
        runAsGroup: 0,
        allowPrivilegeEscalation: false,
        capabilities: { drop: ["ALL"], add: ["CHOWN"] },
        readOnlyRootFilesystem: true,
      },
      resources: { requests: { cpu: "10m", memory: "16Mi" }, limits: { memory: "32Mi" } },
    },
  ];
}

/** Pod of one of an app's jobs: the app's image and variables, none of its volumes, no GPU. */
export function jobPod(homelab: Homelab, app: App, job: string): core.v1.PodSpec {
  const { command, env } = app.jobs[job];
  return {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    restartPolicy: "OnFailure",
    securityContext: podSecurity(homelab, { ...app, runAs: "owner" }),
    containers: [
      {
        name: job,
        image: imageOf(app),
        imagePullPolicy: "IfNotPresent",
        command: [...command],
        env: Object.entries(env).map(([name, value]) => ({ name, value })),
        securityContext: {
          allowPrivilegeEscalation: false,
          capabilities: { drop: ["ALL"] },
          readOnlyRootFilesystem: true,
        },
        volumeMounts: [{ name: "tmp", mountPath: "/tmp" }],
        resources: { requests: { cpu: "50m", memory: JOB_MEMORY.request }, limits: { memory: JOB_MEMORY.limit } },
      },
    ],
    volumes: [{ name: "tmp", emptyDir: { sizeLimit: "1Gi" } }],
  };
}

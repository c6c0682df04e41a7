import { z } from "zod";
import { absolutePath, bytes, cron, dnsName, duration, hostname, ownerPattern, pattern, rule } from "./scalars";

/** Name of an environment variable. */
const variable = pattern(
  /^[A-Za-z_][A-Za-z0-9_]*$/,
  "the name of an environment variable",
  "use letters, digits and underscores, not beginning with a digit",
);

/** A Kubernetes quantity of processors. */
const processors = pattern(
  /^([1-9][0-9]*m|[1-9][0-9]*|0\.[0-9]*[1-9]|[1-9][0-9]*\.[0-9]+)$/,
  "a number of processors such as 250m, 0.5 or 2",
  "write 250m for a quarter of one",
);

/** How people get to a route, and who. */
export const accessSchema = z.strictObject({
  /**
   * `oidc`: the app sends people to Authentik itself. `proxy`: Authentik stands in front, nothing gets past it. `app`: the
   * app has a login of its own, and the owner accepts that. `public`: no login at all.
   */
  policy: z.enum(["oidc", "proxy", "app", "public"]),
  /** Keys of identity.groups that are let in; for `oidc` and `proxy`. Default: admins alone. */
  groups: z.array(hostname).min(1).optional(),
  /** Why no login of ours stands in front; for `app` and `public`. */
  because: z.string().min(10, rule("a reason of at least ten characters", "say what protects it instead")).optional(),
});

/** A volume of the app's own. */
const volumeSchema = z.strictObject({
  mountPath: absolutePath,
  /** Key of storage.tiers; default storage.defaultTier. */
  tier: hostname.optional(),
  size: bytes,
  /** Most frequent schedule of backup.schedules that carries it; `none`: its loss is accepted. */
  backup: z.enum(["hourly", "daily", "weekly", "none"]),
});

/** Space that goes with the pod. */
const scratchSchema = z.strictObject({ mountPath: absolutePath, size: bytes });

const imageSchema = z.strictObject({
  repository: pattern(
    /^[a-z0-9][a-z0-9.-]*(:[0-9]+)?(\/[a-z0-9][a-z0-9._-]*)+$/,
    "registry and name of an image, without a tag",
    "write for example ghcr.io/jellyfin/jellyfin",
  ),
  tag: pattern(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/, "a tag", "take the tag of one release"),
  /** Wins over the tag; required where the tag moves. */
  digest: ownerPattern(
    /^sha256:[0-9a-f]{64}$/,
    "the digest of an image: sha256: and 64 hexadecimal digits",
    "run: skopeo inspect docker://REPOSITORY:TAG and take Digest",
  ).optional(),
});

/** Runs once for each change of itself; its failure is visible. */
const jobSchema = z.strictObject({
  command: z.array(z.string()).min(1),
  env: z.record(variable, z.string()).default({}),
});

/** Words of an alert. */
function text(least: number, most: number) {
  const wrong = rule(`a text of ${least} to ${most} characters`, "say in a few words what is wrong and what to do");
  return z.string().min(least, wrong).max(most, wrong);
}

/** Something that only this app can have, as an alert. */
const alertSchema = z.strictObject({
  /** PromQL; each series of the result is one alert. If one cannot be read, all of this app's own alerts are left out. */
  expr: z.string().min(1),
  /** How long it must hold. */
  for: duration.default("15m"),
  severity: z.enum(["warning", "critical"]).default("warning"),
  /** One line, for a phone. */
  summary: text(10, 110),
  /** The first thing to do; default the app's own log. */
  description: text(20, 400).optional(),
});

/** Fields of Kubernetes as they stand in its documentation, merged last, for what nothing here can say. */
const kubernetes = z.record(z.string(), z.unknown()).default({});

/**
 * One application. What is true of it in every house stands in config/apps/catalog.ts; a stack writes its own choices,
 * and an app that the catalog does not have in full.
 */
export const appSchema = z.strictObject({
  namespace: hostname,
  image: imageSchema,
  command: z.array(z.string()).optional(),
  args: z.array(z.string()).optional(),
  /** A CronJob instead of a Deployment. */
  schedule: cron.optional(),
  /** Port of HTTP. */
  port: z.int().min(1).max(65535).optional(),
  /** Full host name; default <name>.<domain>. Only with `access`. */
  host: dnsName.optional(),
  /** Who may reach it from outside of the cluster; without it there is no route. */
  access: accessSchema.optional(),
  /** True says that a port without `access` is meant so: only other apps use it. */
  internal: z.boolean().default(false),
  /** How the app itself speaks OpenID Connect: variables that it reads, and where a login comes back to. */
  oidc: z
    .strictObject({
      redirectPath: absolutePath,
      clientId: variable,
      clientSecret: variable,
      discovery: variable,
      /** Variables with the groups that may use it and those that administer it, by their names in Authentik. */
      roles: z.strictObject({ allowed: variable, admin: variable }).optional(),
    })
    .optional(),
  /**
   * As whom it runs. `owner`: the owner of the media, by Kubernetes. `environment`: the same, by PUID and PGID of an image
   * that starts as root. `image`: as its image says.
   */
  runAs: z.enum(["owner", "environment", "image"]).default("owner"),
  /** With runAs `image`: the one user as whom the image can run; its volumes are given to it. Default: root. */
  user: z.strictObject({ uid: z.int().min(1).max(65534), gid: z.int().min(1).max(65534) }).optional(),
  volumes: z.record(hostname, volumeSchema).default({}),
  scratch: z.record(hostname, scratchSchema).default({}),
  /** Mounts the media share, once and whole: hard links between downloads and libraries work within one mount only. */
  media: z.strictObject({ mountPath: absolutePath, readOnly: z.boolean().default(false) }).optional(),
  /** Text files by path. */
  files: z.record(absolutePath, z.string()).default({}),
  /** One slice of an NVIDIA GPU, or one share of Intel QuickSync. */
  gpu: z.enum(["nvidia", "quicksync"]).optional(),
  /** Machines on which it may run; default any. */
  nodes: z.array(hostname).min(1).optional(),
  env: z.record(variable, z.string()).default({}),
  /** Variables whose values are generated once and kept: <key>, or <app>.<key> for another app's. */
  secrets: z
    .record(
      variable,
      pattern(/^[a-z0-9-]+(\.[a-z0-9-]+)?$/, "a key, or an app and its key", "write api-key, or sonarr.api-key"),
    )
    .default({}),
  /** Other apps that it connects to. */
  uses: z.array(hostname).default([]),
  /** Whether it connects to the internet. */
  internet: z.boolean().default(false),
  probe: z
    .strictObject({
      /** Path that answers without a login; default: the port is open. */
      path: z.string().startsWith("/").optional(),
      /** How long a start may take, in seconds: a migration of a large library takes minutes. */
      startSeconds: z.int().min(10).max(3600).default(300),
    })
    .prefault({}),
  resources: z
    .strictObject({
      cpu: processors.default("50m"),
      memory: bytes.default("128Mi"),
      memoryLimit: bytes.default("1Gi"),
    })
    .prefault({}),
  jobs: z.record(hostname, jobSchema).default({}),
  /** Alerts beside those that every app has, by name; sent as App<name>, with the label `app`. */
  alerts: z
    .record(
      pattern(/^[A-Z][A-Za-z0-9]{2,39}$/, "a name in PascalCase of 3 to 40 letters and digits", "write QueueStuck"),
      alertSchema,
    )
    .default({}),
  /** Merged into the pod's spec; volumes, initContainers and tolerations are added to those that are there. */
  pod: kubernetes,
  /** Merged into the container; env and volumeMounts are added to those that are there. */
  container: kubernetes,
});

export const appsSchema = z.record(hostname, appSchema);

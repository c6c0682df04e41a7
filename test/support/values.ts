import * as fs from "node:fs";
import * as path from "node:path";
import Ajv, { type ValidateFunction } from "ajv";
import { chartSources, type ChartName } from "../../config/pins";
import { isSecret } from "../../plan/record";
import { root } from "./home";

/** A value that the chart does not know at this place, so that Helm would silently ignore it. */
export interface UnknownValue {
  /** Key path, for example `operator.replica`. */
  path: string;
  /** The chart's keys that are most like it, full paths, best first. */
  nearest: string[];
}

/** Leaves are names of types; "map" stands for `{}`, a list of objects for the union of its elements. */
type Tree = string | Tree[] | { [key: string]: Tree };

interface Rule {
  /** Key paths; `*` is one key or list index, a trailing `.**` everything below. */
  paths: readonly string[];
  /** Why the chart takes these although its default values do not show them. */
  reason: string;
}

/** Maps that the chart hands on unread, wherever it has one of these names. */
const openEverywhere: Rule = {
  paths: [
    ..."annotations labels podAnnotations podLabels extraLabels additionalLabels serviceAnnotations".split(" "),
    ..."nodeSelector matchLabels resources affinity podAffinity tolerations topologySpreadConstraints".split(" "),
    ..."securityContext podSecurityContext containerSecurityContext matchExpressions".split(" "),
    ..."requests limits".split(" "),
  ],
  reason: "handed to Kubernetes as it is",
};

const allowed: Readonly<Record<string, readonly Rule[]>> = {
  cilium: [
    { paths: ["extraConfig.**"], reason: "copied into the config map cilium-config" },
    { paths: ["kubeProxyReplacement"], reason: "commented out in the default values up to 1.17" },
    {
      paths: [
        "l2announcements.leaseDuration",
        "l2announcements.leaseRenewDeadline",
        "l2announcements.leaseRetryPeriod",
      ],
      reason: "commented out in the default values",
    },
    { paths: ["k8sClientRateLimit.qps", "k8sClientRateLimit.burst"], reason: "null or commented out, by version" },
  ],
  "cert-manager": [
    { paths: ["config.**"], reason: "ControllerConfiguration; `{}` in the default values" },
    {
      paths: [
        "webhook.mutatingWebhookConfigurationAnnotations.**",
        "webhook.validatingWebhookConfigurationAnnotations.**",
        "cainjector.podDisruptionBudget.**",
      ],
      reason: "commented out in the default values; the chart's schema has them",
    },
  ],
  longhorn: [],
  "csi-driver-nfs": [{ paths: ["storageClass.*", "storageClass.*.**"], reason: "children are commented out" }],
  "nvidia-device-plugin": [{ paths: ["config.map.**"], reason: "files of the plugin's config map" }],
  "dcgm-exporter": [],
  "kube-prometheus-stack": [
    { paths: ["additionalPrometheusRulesMap.**"], reason: "map of names to rule files" },
    { paths: ["grafana.grafana.ini.**"], reason: "becomes grafana.ini as it is" },
    { paths: ["grafana.datasources.**", "grafana.dashboardProviders.**"], reason: "files of Grafana's provisioning" },
    {
      paths: ["grafana.persistence.existingClaim", "grafana.podAnnotations"],
      reason: "commented out in the default values",
    },
    { paths: ["alertmanager.config.**"], reason: "becomes alertmanager.yaml as it is" },
    {
      paths: [
        "prometheus.prometheusSpec.storageSpec.**",
        "alertmanager.alertmanagerSpec.storage.**",
        "alertmanager.alertmanagerSpec.configSecret",
      ],
      reason: "fields of the operator's custom resources; commented out or `{}`",
    },
  ],
  loki: [
    { paths: ["loki.limits_config.**", "loki.structuredConfig.**"], reason: "become Loki's configuration as they are" },
    {
      paths: ["loki.compactor.**", "loki.schemaConfig.**", "loki.ingester.**", "loki.storage_config.**"],
      reason: "as above",
    },
    { paths: ["loki.commonConfig.**", "loki.rulerConfig.**", "loki.server.**"], reason: "as above" },
  ],
  alloy: [],
  authentik: [
    { paths: ["postgresql.**"], reason: "values of the PostgreSQL subchart, which are not part of the contract" },
    { paths: ["authentik.**"], reason: "flattened into AUTHENTIK_ environment variables" },
  ],
  "oauth2-proxy": [
    { paths: ["config.existingSecret"], reason: "commented out in the default values" },
    { paths: ["extraArgs.**"], reason: "command-line flags; map or list" },
    { paths: ["redis.**"], reason: "values of the Redis subchart" },
  ],
  velero: [
    { paths: ["schedules.**"], reason: "map of names to schedules" },
    { paths: ["configuration.backupStorageLocation.*.config.**"], reason: "settings of the storage plugin" },
    { paths: ["configuration.volumeSnapshotLocation.*.config.**"], reason: "settings of the snapshot plugin" },
    {
      paths: ["kubectl.image.tag", "metrics.serviceMonitor.namespace", "metrics.nodeAgentPodMonitor.namespace"],
      reason: "commented out in the default values",
    },
    { paths: ["configMaps.**"], reason: "map of names to config maps" },
  ],
};

/** Lists whose elements the chart takes apart key by key, so that a misspelled key in one is lost as well. */
const checkedLists = [
  "velero configuration.backupStorageLocation",
  "velero configuration.volumeSnapshotLocation",
  "velero initContainers",
];

const folder = path.join(root, "test", "contracts");
const trees = new Map<string, Tree>();
const schemas = new Map<string, ValidateFunction | undefined>();

/**
 * Values that the chart does not know, for example a misspelled or a removed key. A chart ignores them without a word,
 * which was behind most incidents of the homelab document.
 *
 * @param chart name in chartSources ("certManager") or as published ("cert-manager").
 */
export function unknownValuePaths(chart: string, version: string, values: unknown): UnknownValue[] {
  const published = publishedName(chart);
  const file = path.join(folder, "values", `${published}-${version}.json`);
  const tree = trees.get(file) ?? read(file);
  trees.set(file, tree);
  const rules = [...(allowed[published] ?? [])];
  const known = [...leafPaths(tree, "")];
  return unknown(values, tree, "", published, rules).map((at) => ({ path: at, nearest: nearest(at, known) }));
}

/** What the chart's own schema says against the values; empty if it has none that refuses unknown keys. */
export function schemaErrors(chart: string, version: string, values: unknown): string[] {
  const file = path.join(folder, "schemas", `${publishedName(chart)}-${version}.json`);
  if (!schemas.has(file)) {
    const ajv = new Ajv({ allErrors: true, strict: false, validateFormats: false });
    schemas.set(
      file,
      fs.existsSync(file) ? ajv.compile(JSON.parse(fs.readFileSync(file, "utf8")) as object) : undefined,
    );
  }
  const validate = schemas.get(file);
  return !validate || validate(values)
    ? []
    : (validate.errors ?? []).map((error) => `${error.instancePath}: ${error.message} ${JSON.stringify(error.params)}`);
}

function publishedName(chart: string): string {
  return chart in chartSources ? chartSources[chart as ChartName].chart : chart;
}

function read(file: string): Tree {
  if (!fs.existsSync(file)) {
    throw new Error(
      `no contract ${path.basename(file)}: derive it with bin/derive-contracts.js from the chart's values.yaml`,
    );
  }
  return JSON.parse(fs.readFileSync(file, "utf8")) as Tree;
}

function unknown(value: unknown, tree: Tree | undefined, at: string, chart: string, rules: readonly Rule[]): string[] {
  if (
    at !== "" &&
    ((tree !== undefined && isOpen(at)) || rules.some((rule) => rule.paths.some((pattern) => matches(pattern, at))))
  ) {
    return [];
  }
  if (tree === undefined) {
    return [at];
  }
  if (Array.isArray(value)) {
    const element = Array.isArray(tree) && checkedLists.includes(`${chart} ${at}`) ? tree[0] : undefined;
    return element === undefined
      ? []
      : value.flatMap((item, index) => unknown(item, element, `${at}.${index}`, chart, rules));
  }
  if (typeof value !== "object" || value === null || isSecret(value)) {
    // A plain value in the place of a map would make Helm drop the map.
    return typeof tree === "object" && !Array.isArray(tree) && value !== null ? [at] : [];
  }
  if (typeof tree === "object" && !Array.isArray(tree)) {
    return Object.entries(value)
      .filter(([, child]) => child !== undefined)
      .flatMap(([key, child]) => unknown(child, tree[key], at === "" ? key : `${at}.${key}`, chart, rules));
  }
  // A map where the chart has a plain value is a mistake; where it has `{}`, [] or nothing, it takes any map.
  return tree === "map" || tree === "null" || tree === "list" || Array.isArray(tree) ? [] : [at];
}

function isOpen(at: string): boolean {
  return openEverywhere.paths.includes(at.split(".").pop() ?? "");
}

function matches(pattern: string, at: string): boolean {
  const wanted = pattern.split(".");
  const found = at.split(".");
  const rest = wanted[wanted.length - 1] === "**";
  const head = rest ? wanted.slice(0, -1) : wanted;
  return (
    (rest ? found.length >= head.length : found.length === head.length) &&
    head.every((key, index) => key === "*" || key === found[index])
  );
}

function* leafPaths(tree: Tree, at: string): Generator<string> {
  if (at !== "") {
    yield at;
  }
  if (typeof tree === "object" && !Array.isArray(tree)) {
    for (const [key, child] of Object.entries(tree)) {
      yield* leafPaths(child, at === "" ? key : `${at}.${key}`);
    }
  }
}

function nearest(at: string, known: readonly string[]): string[] {
  return known
    .map((candidate) => ({ candidate, score: distance(at, candidate) }))
    .sort((one, other) => one.score - other.score)
    .slice(0, 3)
    .map(({ candidate }) => candidate);
}

/** Levenshtein's edit distance. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let i = 1; i <= one.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= other.length; j += 1) {
      next.push(Math.min(next[j - 1] + 1, row[j] + 1, row[j - 1] + (one[i - 1] === other[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[other.length];
}

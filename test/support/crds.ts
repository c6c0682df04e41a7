import * as fs from "node:fs";
import * as path from "node:path";
import Ajv, { type ErrorObject, type ValidateFunction } from "ajv";
import addFormats from "ajv-formats";
import type { Homelab } from "../../config/homelab";
import { isSecret } from "../../plan/record";
import { root } from "./home";

/** A Kubernetes object as the program declares it: a manifest, or the recorded inputs of a CustomResource. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  [key: string]: unknown;
}

interface Crd {
  group: string;
  plural: string;
  kind: string;
  scope: "Namespaced" | "Cluster";
  versions: Record<string, { served: boolean; schema: Schema }>;
}

type Schema = Record<string, unknown>;

const folder = path.join(root, "test", "contracts", "crds");
const ajv = addFormats(new Ajv({ allErrors: true, strict: false, unicodeRegExp: false, logger: false }));
const bundles = new Map<string, readonly Crd[]>();
const validators = new Map<Schema, ValidateFunction>();

/** Every publisher's release whose CRDs are known, each as `<chart>-<version>`. */
export function crdBundles(): string[] {
  return fs.readdirSync(folder).sort();
}

/** The release that defines a group for this homelab's pinned versions; undefined for groups that are not ours. */
export function bundleOf(homelab: Homelab, group: string): string | undefined {
  const { charts, gatewayApi } = homelab.versions;
  const byGroup: Readonly<Record<string, string>> = {
    "cilium.io": `cilium-${charts.cilium}`,
    "gateway.networking.k8s.io": `gateway-api-${gatewayApi.channel}-${gatewayApi.version.replace(/^v/, "")}`,
    "cert-manager.io": `cert-manager-${charts.certManager}`,
    "acme.cert-manager.io": `cert-manager-${charts.certManager}`,
    "longhorn.io": `longhorn-${charts.longhorn}`,
    "velero.io": `velero-${charts.velero}`,
    "monitoring.coreos.com": `kube-prometheus-stack-${charts.kubePrometheusStack}`,
    "snapshot.storage.k8s.io": `csi-driver-nfs-${charts.csiDriverNfs}`,
  };
  return byGroup[group];
}

/** CRDs of a release by full name, for example "gateways.gateway.networking.k8s.io", each with its served versions. */
export function crdVersions(bundle: string): Record<string, string[]> {
  return Object.fromEntries(
    load(bundle).map(({ group, plural, versions }) => [
      `${plural}.${group}`,
      Object.keys(versions).filter((version) => versions[version].served),
    ]),
  );
}

/**
 * What an API server with the CRDs of a release would say against an object: unknown fields (which it would silently
 * drop), wrong types and values, missing fields, a version that is not served. Empty means valid. Rules in CEL are not
 * evaluated.
 *
 * @param bundle one of crdBundles(), for example "cilium-1.17.18".
 */
export function crdErrors(bundle: string, object: Manifest): string[] {
  const [group, version] = object.apiVersion.split("/");
  const crd = load(bundle).find((candidate) => candidate.group === group && candidate.kind === object.kind);
  if (!crd) {
    return [`${bundle} has no kind ${object.kind} in ${group}`];
  }
  const found = crd.versions[version] as Crd["versions"][string] | undefined;
  if (!found?.served) {
    return [`${bundle} does not serve ${object.apiVersion} of ${object.kind}`];
  }
  const metadata = object.metadata as { namespace?: unknown } | undefined;
  if ((crd.scope === "Cluster") === (metadata?.namespace !== undefined)) {
    return [`${object.kind} is ${crd.scope}, but its namespace is ${String(metadata?.namespace)}`];
  }
  const validate = validator(found.schema);
  return validate(plain(object)) ? [] : (validate.errors ?? []).map(message);
}

function message(error: ErrorObject): string {
  const detail = Object.values(error.params as Record<string, unknown>)
    .flat()
    .map(String)
    .join(", ");
  return `${error.instancePath === "" ? "/" : error.instancePath}: ${error.message ?? error.keyword} (${detail})`;
}

function load(bundle: string): readonly Crd[] {
  let crds = bundles.get(bundle);
  if (!crds) {
    const files = path.join(folder, bundle);
    if (!fs.existsSync(files)) {
      throw new Error(`no CRDs of ${bundle} in test/contracts: derive them with bin/derive-contracts.js`);
    }
    crds = fs.readdirSync(files).map((file) => JSON.parse(fs.readFileSync(path.join(files, file), "utf8")) as Crd);
    bundles.set(bundle, crds);
  }
  return crds;
}

function validator(schema: Schema): ValidateFunction {
  let validate = validators.get(schema);
  if (!validate) {
    const top = closed(schema);
    // The API server itself defines metadata; a structural schema only says that it is an object.
    (top.properties as Record<string, unknown>).metadata = { type: "object" };
    validate = ajv.compile(top);
    validators.set(schema, validate);
  }
  return validate;
}

/** A structural schema as ajv understands it, with every unknown field an error where the API server would prune it. */
function closed(schema: Schema): Schema {
  const result: Schema = { ...schema };
  if (schema["x-kubernetes-int-or-string"] === true) {
    delete result.type;
    result.anyOf = [{ type: "integer" }, { type: "string" }];
    return result;
  }
  if (schema.nullable === true && schema.type === undefined) {
    delete result.nullable;
  }
  if (typeof schema.pattern === "string" && !isPattern(schema.pattern)) {
    delete result.pattern;
  }
  const properties = schema.properties as Record<string, Schema> | undefined;
  const open = schema["x-kubernetes-preserve-unknown-fields"] === true;
  if (properties) {
    result.properties = Object.fromEntries(Object.entries(properties).map(([key, child]) => [key, closed(child)]));
  }
  if (typeof schema.additionalProperties === "object" && schema.additionalProperties !== null) {
    result.additionalProperties = closed(schema.additionalProperties as Schema);
  } else if (schema.type === "object" && schema.additionalProperties === undefined && !open) {
    if (schema["x-kubernetes-embedded-resource"] === true) {
      result.properties = { apiVersion: {}, kind: {}, metadata: {}, ...(result.properties as Schema | undefined) };
    }
    result.additionalProperties = false;
  }
  if (typeof schema.items === "object" && schema.items !== null) {
    result.items = closed(schema.items as Schema);
  }
  // allOf, anyOf, oneOf and not only judge values; they never declare fields, so they stay open.
  return result;
}

/** The API server reads Go's regular expressions; a few of those, such as `(?i)`, JavaScript does not know. */
function isPattern(pattern: string): boolean {
  try {
    return new RegExp(pattern) instanceof RegExp;
  } catch {
    return false;
  }
}

function plain(value: unknown): unknown {
  if (isSecret(value)) {
    return plain(value.secret);
  }
  if (Array.isArray(value)) {
    return value.map(plain);
  }
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, child]) => child !== undefined)
        .map(([key, child]) => [key, plain(child)]),
    );
  }
  return value;
}
